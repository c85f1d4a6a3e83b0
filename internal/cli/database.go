package cli

import (
	"net/url"
	"regexp"
	"strings"
)

// A DatabaseKind is what a name given as --db stands for.
type DatabaseKind int

// The kinds. UnknownDatabase is a name that cannot be meant as a file: an address of another kind of database, or one with a slip
// in it. It is never opened as a file, and never repeated, as it may hold a password.
const (
	SQLiteDatabase DatabaseKind = iota
	PostgresDatabase
	UnknownDatabase
)

var (
	// keywords begin the other form of an address that PostgreSQL knows: host=db.example.org dbname=soquy.
	keywords = regexp.MustCompile(`^\s*(host|hostaddr|port|dbname|database|user|password|passfile|service|servicefile|sslmode|sslrootcert|` +
		`sslcert|sslkey|sslpassword|sslsni|application_name|connect_timeout|target_session_attrs|options|pool_[a-z_]+)\s*=`)
	keywordValue = regexp.MustCompile(`(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']\S*)`)
	// scheme needs two letters before the colon, as C:\ is a disk.
	scheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+):/|://`)
	// credentials are those of an address that lost its scheme or has a slip in it.
	credentials = regexp.MustCompile(`:[^@]*@|^(?i:postgres(ql)?|mysql|mariadb|mongodb|redis|sqlserver):`)
	disk        = regexp.MustCompile(`^[A-Za-z]:[/\\]`)
)

// KindOf says what a name given as --db stands for.
func KindOf(db string) DatabaseKind {
	switch {
	case keywords.MatchString(db):
		return PostgresDatabase
	case strings.HasPrefix(db, "postgres://"), strings.HasPrefix(db, "postgresql://"):
		if slipped(db) {
			return UnknownDatabase
		}
		return PostgresDatabase
	case disk.MatchString(db):
		return SQLiteDatabase
	case scheme.MatchString(db), credentials.MatchString(db):
		return UnknownDatabase
	}
	return SQLiteDatabase
}

// slipped reports whether a URL can be read, but not as it was meant: a sign in its password that should have been encoded made a
// path, a parameter or a fragment of the rest of the password.
func slipped(db string) bool {
	u, err := url.Parse(db)
	return err == nil && (u.Fragment != "" || strings.Contains(u.EscapedPath()+u.RawQuery, "@"))
}

// WithoutPassword is the name of a database as it may be shown and logged. What might hold a password and cannot be taken apart is
// left out.
func WithoutPassword(db string) string {
	switch KindOf(db) {
	case SQLiteDatabase:
		return db
	case UnknownDatabase:
		if m := scheme.FindStringSubmatch(db); m != nil && m[1] != "" {
			return m[1] + "://…"
		}
		return "…"
	}
	if keywords.MatchString(db) {
		var shown []string
		for _, m := range keywordValue.FindAllStringSubmatch(db, -1) {
			switch m[1] {
			case "host", "hostaddr", "port", "dbname", "user", "sslmode":
				shown = append(shown, m[0])
			}
		}
		return strings.Join(shown, " ")
	}
	before, _, _ := strings.Cut(db, "://")
	hidden := before + "://…"
	u, err := url.Parse(db)
	if err != nil {
		return hidden
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return hidden
	}
	for name := range query {
		if strings.Contains(strings.ToLower(name), "pass") {
			query.Del(name)
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}
