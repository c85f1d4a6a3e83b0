package cli

import (
	"context"
	"slices"
	"strconv"
)

// Roles name the three roles of a PostgreSQL server that soquy uses; see docs/guides/postgresql.md.
type Roles struct {
	Owner       string // owns the tables, and may change them
	Application string // records and reads
	Dashboard   string // reads the views of the schema reporting, and nothing else
}

// A Migration is what was done to a database.
type Migration struct {
	From, Version int64    // of the schema, before and now; From is 0 where it is not known or there was none
	Made          []string // roles that were not there before
	Roles         *Roles   // nil where the database knows none
}

// A Migrator brings databases up to date.
type Migrator interface {
	// Migrate brings the tables of a database up to date and, on PostgreSQL, makes them and the roles, and gives the roles their rights.
	Migrate(ctx context.Context, t Target, r Roles) (Migration, error)
}

type migrateJSON struct {
	Database string   `json:"database"`
	From     int64    `json:"from"`
	Version  int64    `json:"version"`
	Roles    []string `json:"roles"` // owner, application, dashboard; none on SQLite
	Made     []string `json:"made"`
}

func (p *program) migrateCommand() *command {
	r := Roles{Owner: "soquy_owner", Application: "soquy_app", Dashboard: "soquy_dashboard"}
	c := p.command("migrate", "migrate")
	for name, dst := range map[string]*string{"owner-role": &r.Owner, "app-role": &r.Application, "dashboard-role": &r.Dashboard} {
		c.Flags().StringVar(dst, name, *dst, c.usageOf(name))
		c.completes(name, nil)
	}
	return c.runs(func(ctx context.Context, _ []string) error {
		names := []string{r.Owner, r.Application, r.Dashboard}
		for i, name := range names {
			if name == "" || slices.Contains(names[:i], name) {
				return usage("roles")
			}
		}
		m, err := p.backend.Migrate(ctx, p.target(), r)
		if err != nil {
			return err
		}
		if p.json {
			out := migrateJSON{Database: WithoutPassword(p.db), From: m.From, Version: m.Version, Roles: []string{}, Made: append([]string{}, m.Made...)}
			if m.Roles != nil {
				out.Roles = names
			}
			return p.encode(out)
		}
		version := strconv.FormatInt(m.Version, 10)
		if m.From == m.Version {
			p.printf("%s\n", p.t("migrate.current", "version", version))
		} else {
			p.printf("%s\n", p.t("migrate.done", "version", version))
		}
		if m.Roles == nil {
			return nil
		}
		for i, what := range []string{"owner", "application", "dashboard"} {
			key := "migrate.role"
			if slices.Contains(m.Made, names[i]) {
				key = "migrate.role.made"
			}
			p.printf("  %s\n", p.t(key, "role", names[i], "what", p.t("migrate.role."+what)))
		}
		p.printf("%s\n", p.t("migrate.next", "app", m.Roles.Application))
		return nil
	})
}
