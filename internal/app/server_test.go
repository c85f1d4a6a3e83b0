package app_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/cluster"
	"github.com/soquy/soquy/internal/pgtest"
)

// TestPasswordsStayHidden gives addresses with a password in each form, right and wrong, and wants it nowhere in what is printed.
func TestPasswordsStayHidden(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	_ = l.Close() // nobody answers there
	host, port, _ := net.SplitHostPort(nobody)
	const secret = "s3cr3t"
	t.Chdir(t.TempDir())
	for _, test := range []struct{ db, code string }{
		{"postgres://u:s3cr3t@" + nobody + "/x", "database.unreachable"},
		{"postgresql://u:s3cr3t@" + nobody + "/x?sslmode=disable", "database.unreachable"},
		{"postgres://" + nobody + "/x?user=u&password=s3cr3t", "database.unreachable"},
		{"postgres://" + nobody + "/x?user=u&sslpassword=s3cr3t", "database.unreachable"},
		{"host=" + host + " port=" + port + " dbname=x user=u password=s3cr3t", "database.unreachable"},
		{"password='a s3cr3t' host=" + host + " port=" + port + " user=u", "database.unreachable"},
		{" host = " + host + " port = " + port + " password = s3cr3t user=u", "database.unreachable"},
		{"host=h password=s3cr3t sslmode=never", "database.parameter"},
		{"host=h port=s3cr3tx password=s3cr3t", "database.parameter"},
		{"password='s3cr3t host=h", "database.address"},
		{"postgres://u:s3cr3t@h/x?sslmode=never", "database.parameter"},
		{"postgres://u:s3cr3t@h/x?sslmode=verify-full&sslrootcert=nowhere.pem", "database.parameter"},
		{"postgres://u:s3cr3t@h:port/x", "database.parameter"},
		{"postgres://u:%s3cr3t@h/x", "database.address"},
		{"postgres://u:a/s3cr3t@h/x", "database.parameter"},
		{"postgres://u:1#s3cr3t@" + nobody + "/x", "database.address"},
		{"postgres://u:1?s3cr3t@" + nobody + "/x", "database.address"},
		{"postgres://u:1/s3cr3t@" + nobody + "/x", "database.address"},
		{"postgres:/u:s3cr3t@h/x", "database.address"},
		{"postgres//u:s3cr3t@h/x", "database.address"},
		{"POSTGRES://u:s3cr3t@h/x", "database.address"},
		{"mysql://u:s3cr3t@h/x", "database.address"},
		{"https://u:s3cr3t@h/x", "database.address"},
		{"sqlite:///s3cr3t", "database.address"},
		{"u:s3cr3t@h/x", "database.address"},
		{"//u:s3cr3t@h/x", "database.address"},
		{"backup/mysql://u:s3cr3t@h/x", "database.address"},
		{"jdbc:postgresql://h/x?user=u&password=s3cr3t", "database.address"},
	} {
		for _, args := range [][]string{
			{"balance"},
			{"verify", "--verbose"},
			{"init", "--verbose"},
			{"record", "-", "--verbose"},
			{"migrate", "--verbose"},
			{"init", "--help"},
			{"demo", "--exit"},
			{"rebuild", "--lang", "vi"},
		} {
			s := soquy{db: test.db, keys: "keys"}
			var stdout, stderr bytes.Buffer
			exit := cli.Main(t.Context(), append([]string{"--lang", "en"}, args...), strings.NewReader(""), &stdout, &stderr, s.env, app.New(s.env))
			out := stdout.String() + stderr.String()
			if strings.Contains(strings.ReplaceAll(out, "port=s3cr3tx", ""), secret) {
				t.Errorf("--db %q %v prints the password:\n%s", test.db, args, out)
			}
			if args[len(args)-1] != "--help" && (exit == 0 || !strings.Contains(out, "["+test.code)) {
				t.Errorf("--db %q %v: exit %d, want %s:\n%s", test.db, args, exit, test.code, out)
			}
		}
	}
	if made, err := filepath.Glob("*"); err != nil || len(made) != 0 {
		t.Errorf("files were made: %q (%v)", made, err)
	}
}

// TestServerRefuses: what is wrong with a server or a database is said in a sentence.
func TestServerRefuses(t *testing.T) {
	db := pgtest.Database(t)
	keys := t.TempDir()
	address, err := url.Parse(db)
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(u *url.URL)) soquy {
		u := *address
		f(&u)
		return soquy{db: u.String(), keys: keys}
	}
	wrong := change(func(u *url.URL) { u.User = url.UserPassword("postgres", "wrong") })
	wrong.fails(t, cli.ExitUnusable, "database.login", "", "balance")
	unknown := change(func(u *url.URL) { u.Path = "/no_such_database" })
	unknown.fails(t, cli.ExitUnusable, "database.unknown", "", "balance")
	soquy{db: db, keys: keys}.fails(t, cli.ExitUnusable, "database.no_schema", "", "balance")
	password, _ := address.User.Password()
	keywords := soquy{keys: keys, db: fmt.Sprintf("host=%s port=%s user=postgres dbname=%s sslmode=disable password=%s",
		address.Hostname(), address.Port(), strings.TrimPrefix(address.Path, "/"), password)}
	if out := keywords.run(t, 0, "", "init"); strings.Contains(out, password) {
		t.Errorf("init prints the password: %s", out)
	}
	keywords.run(t, 0, "", "verify")

	// A question that takes too long.
	slow := change(func(u *url.URL) { u.RawQuery += "&statement_timeout=100" })
	must(t, db, `ALTER TABLE soquy.progress RENAME TO progress_table;
		CREATE VIEW soquy.progress AS SELECT p.* FROM soquy.progress_table p, pg_sleep(0.2)`)
	slow.fails(t, cli.ExitUnusable, "database.timeout", "", "balance")
	must(t, db, `DROP VIEW soquy.progress; ALTER TABLE soquy.progress_table RENAME TO progress`)

	newer := soquy{db: db, keys: keys}
	must(t, db, `INSERT INTO soquy.goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	for _, args := range [][]string{{"balance"}, {"record", "-"}, {"verify"}, {"init"}, {"migrate"}} {
		newer.fails(t, cli.ExitUnusable, "database.newer", "", args...)
	}
	for _, query := range []string{`CREATE SCHEMA soquy; CREATE TABLE soquy.theirs (x int)`, `CREATE SCHEMA reporting; CREATE TABLE reporting.theirs (x int)`} {
		foreign := soquy{db: pgtest.Database(t), keys: t.TempDir()}
		must(t, foreign.db, query)
		for _, args := range [][]string{{"init"}, {"migrate", "--owner-role", "soquy_test_foreign_o", "--app-role", "soquy_test_foreign_a", "--dashboard-role", "soquy_test_foreign_d"}} {
			if args[0] == "init" || strings.HasPrefix(query, "CREATE SCHEMA soquy") {
				foreign.fails(t, cli.ExitUnusable, "database.foreign", "", args...)
			}
		}
	}
}

// TestKeysOfOneLedger: a process with another key for a ledger, and one whose key is lost, record nothing.
func TestKeysOfOneLedger(t *testing.T) {
	one := soquy{db: pgtest.Database(t), keys: t.TempDir()}
	one.run(t, 0, "", "init", "--origin", "example.org/soquy/one")
	other := soquy{db: pgtest.Database(t), keys: t.TempDir()}
	other.run(t, 0, "", "init", "--origin", "example.org/soquy/one")
	unit := `{"type":"register_unit","effective_on":"2017-01-01","data":{"code":"T","level":"province","name":"Tỉnh"}}`
	soquy{db: one.db, keys: other.keys}.fails(t, cli.ExitUnusable, "key.mismatch", unit, "record", "-")
	soquy{db: one.db, keys: t.TempDir()}.fails(t, cli.ExitUnusable, "key.missing", unit, "record", "-")
	soquy{db: one.db, keys: t.TempDir()}.run(t, 0, "", "balance") // reading needs none
	one.run(t, 0, unit, "record", "-")
}

// TestSnapshotsOfNoUse: a snapshot of another version, and one that is cut short, are as good as none.
func TestSnapshotsOfNoUse(t *testing.T) {
	s := soquy{db: pgtest.Database(t), keys: t.TempDir()}
	s.run(t, 0, "", "init")
	var gifts strings.Builder
	gifts.WriteString(`{"type":"register_unit","effective_on":"2017-01-01","data":{"code":"T","level":"province","name":"Tỉnh"}}
{"type":"open_fund","effective_on":"2017-01-01","data":{"code":"HB","unit":"T","name":"Quỹ"}}
{"type":"register_donor","effective_on":"2017-01-01","data":{"code":"A","kind":"anonymous"}}
`)
	for range 1_500 {
		gifts.WriteString(`{"type":"receive_donation","effective_on":"2017-06-01","data":{"fund":"HB","donor":"A","lines":[{"asset":"cash","amount":"1000"}]}}` + "\n")
	}
	s.run(t, 0, gifts.String(), "record", "-")
	if n := lines(t, s.db, `SELECT count(*)::text FROM soquy.snapshots`); n[0] == "0" {
		t.Fatal("there is no snapshot")
	}
	for i, query := range []string{
		`UPDATE soquy.snapshots SET book_version = book_version + 1`,
		`UPDATE soquy.snapshots SET bytes = substr(bytes, 1, length(bytes) / 2)`,
		`UPDATE soquy.snapshots SET bytes = '', signature = ''`,
	} {
		must(t, s.db, query)
		// It needs what the whole log says: the whole sum can be spent, and one more not.
		total := 1_500_000 + 1_000*i
		spend := func(amount int) string {
			return fmt.Sprintf(`{"type":"record_expense","effective_on":"2017-06-02","data":{"fund":"HB","asset":"cash","amount":"%d","purpose":"travel"}}`, amount)
		}
		s.run(t, 1, spend(total+1), "record", "-")
		s.run(t, 0, `{"type":"receive_donation","effective_on":"2017-06-01","data":{"fund":"HB","donor":"A","lines":[{"asset":"cash","amount":"1000"}]}}`, "record", "-")
	}
}

// TestPools meters the pools, whose size the address gives.
func TestPools(t *testing.T) {
	metrics := filepath.Join(t.TempDir(), "soquy.prom")
	s := soquy{db: pgtest.Database(t) + "&pool_max_conns=3", keys: t.TempDir()}
	env := func(name string) string {
		if name == "SOQUY_METRICS" {
			return metrics
		}
		return s.env(name)
	}
	s.run(t, 0, "", "init")
	var out bytes.Buffer
	unit := strings.NewReader(`{"type":"register_unit","effective_on":"2017-01-01","data":{"code":"T","level":"province","name":"Tỉnh"}}`)
	if exit := cli.Main(t.Context(), []string{"record", "-"}, unit, &out, &out, env, app.New(env)); exit != 0 {
		t.Fatalf("exit %d: %s", exit, out.String())
	}
	text, err := os.ReadFile(metrics)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`soquy_postgres_connections_limit{pool="read"} 3`, `soquy_postgres_connections_limit{pool="write"} 3`,
		`soquy_postgres_connections{pool="write",state="busy"} 0`,
	} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
	if strings.Contains(string(text), `soquy_postgres_acquires_total{pool="write",result="taken"} 0`+"\n") {
		t.Error("the writers' pool was not used")
	}
}

// An authority signs the certificate of a server.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string // PEM
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{certificate: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// server returns the certificate and key of a server that is reached at 127.0.0.1, in PEM.
func (a *authority) server(t *testing.T) (certificate, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.certificate, &own.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// TestTLS talks to a server with a certificate, and refuses one that cannot be trusted. A standby is refused for writing.
func TestTLS(t *testing.T) {
	cluster.Require(t)
	c := cluster.Start(t, cluster.Options{})
	at := func(parameters string) soquy {
		return soquy{db: strings.Replace(c.URL(), "sslmode=disable", parameters, 1), keys: t.TempDir()}
	}
	at("sslmode=require").fails(t, cli.ExitUnusable, "database.no_tls", "", "balance")

	right, other := newAuthority(t, "right"), newAuthority(t, "other")
	certificate, key := right.server(t)
	for name, text := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		// The server writes it, as the file is to be its own; COPY writes the end of a line as \n, which printf undoes.
		c.Exec(fmt.Sprintf(`COPY (SELECT convert_from(decode('%s', 'hex'), 'UTF8')) TO PROGRAM 'umask 077; printf "%%b" "$(cat)" > "%s"'`,
			hex.EncodeToString(text), filepath.Join(c.Data(), name)))
	}
	c.Configure(map[string]string{"ssl": "on"})
	c.Stop(cluster.Fast)
	c.Restart()
	trusted := at("sslmode=verify-full&sslrootcert=" + right.file)
	trusted.run(t, 0, "", "init")
	trusted.run(t, 0, "", "verify")
	got := at("sslmode=verify-full&sslrootcert="+other.file).fails(t, cli.ExitUnusable, "database.certificate", "", "balance")
	if !strings.Contains(got, "unknown authority") {
		t.Errorf("another authority: %s", got)
	}
	byName := soquy{db: strings.Replace(trusted.db, "127.0.0.1", "localhost", 1), keys: trusted.keys}
	byName.fails(t, cli.ExitUnusable, "database.certificate", "", "balance")
	soquy{db: strings.Replace(byName.db, "verify-full", "verify-ca", 1), keys: trusted.keys}.run(t, 0, "", "balance")

	standby := c.Standby("second", cluster.Options{})
	c.WaitCaughtUp(standby)
	replica := soquy{db: standby.URL(), keys: trusted.keys}
	replica.run(t, 0, "", "balance")
	replica.run(t, 0, "", "verify")
	for _, args := range [][]string{{"record", "-"}, {"init", "--ledger", "example.org/soquy/x"}, {"rebuild"}, {"migrate"}} {
		replica.fails(t, cli.ExitUnusable, "database.replica", "", args...)
	}
}
