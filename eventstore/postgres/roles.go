package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/soquy/soquy/migrations"
)

// Roles name three roles of the server, which log in nowhere: the roles that log in are members of them.
type Roles struct {
	Owner       string // owns the tables, and may change them
	Application string // records and reads; see accesses
	Dashboard   string // reads the views of the schema reporting, and nothing else
}

// ErrRoles: the three roles are not three, or one of them may do more than it should for the tables to be safe from it.
var ErrRoles = errors.New("the roles do not keep the tables safe")

// A Migration is what Migrate did.
type Migration struct {
	From, To int64    // versions of the schema; From is 0 where there was none
	Made     []string // the roles that were not there before
}

// Migrate makes the roles that are not there, gives the tables to the owner, brings them up to date as the owner, and gives
// the other two exactly the rights that they are to have: what they were given beyond is taken away. It can be repeated.
//
// Where it connects as the owner of the database, or a superuser, it takes the right to make temporary tables from PUBLIC.
//
// The role that it connects as must be a member of the owner, and own what is there or be a member of who does; to make roles it
// needs CREATEROLE, to make the schemas CREATE on the database. A superuser can do all of it.
// Errors: *RightsError, ErrRoles, ErrReplica, *AddressError, eventstore.ErrForeign, eventstore.ErrNewer.
func Migrate(ctx context.Context, url string, roles Roles) (Migration, error) {
	m, err := migrateAll(ctx, url, roles)
	return m, wrap("migrate the database", err)
}

func migrateAll(ctx context.Context, url string, roles Roles) (m Migration, err error) {
	if roles.Owner == roles.Application || roles.Owner == roles.Dashboard || roles.Application == roles.Dashboard {
		return m, fmt.Errorf("%w: owner, application and dashboard are to be three roles", ErrRoles)
	}
	config, err := configure(url)
	if err != nil {
		return m, err
	}
	connect := migrators(config)
	db := stdlib.OpenDB(*connect)
	defer db.Close()
	if err := lookAround(ctx, db, ReadWrite); err != nil {
		return m, err
	}
	m.From, err = migrations.Version(ctx, db, migrations.Postgres)
	if err != nil {
		return m, err
	}
	if err := migrations.Check(ctx, db, migrations.Postgres); errors.Is(err, migrations.ErrNewer) {
		return m, err
	}
	conn, err := pgx.ConnectConfig(ctx, connect)
	if err != nil {
		return m, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := checkMigrator(ctx, conn, roles); err != nil {
		return m, err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if m.Made, err = makeRoles(ctx, tx, roles); err != nil {
			return err
		}
		if err := own(ctx, tx, roles.Owner); err != nil {
			return err
		}
		return forbidTemporary(ctx, tx, roles)
	})
	if err != nil {
		return m, err
	}
	asOwner := connect.Copy()
	asOwner.RuntimeParams["role"] = roles.Owner
	owner := stdlib.OpenDB(*asOwner)
	defer owner.Close()
	if err := migrations.Up(ctx, owner, migrations.Postgres); err != nil {
		return m, err
	}
	if m.To, err = migrations.Version(ctx, owner, migrations.Postgres); err != nil {
		return m, err
	}
	return m, grantAll(ctx, owner, roles)
}

// checkMigrator looks that the session can do all that is to be done, and that the roles that are there are harmless.
func checkMigrator(ctx context.Context, conn *pgx.Conn, roles Roles) error {
	const (
		self = `SELECT rolname, rolsuper, rolcreaterole, current_database(), has_database_privilege(current_database(), 'CREATE'),
				(SELECT count(*) = 2 FROM pg_namespace WHERE nspname IN ($1, $2))
			FROM pg_roles WHERE rolname = current_user`
		role = `SELECT pg_has_role(current_user, r.oid, 'MEMBER'), r.rolsuper OR r.rolcreaterole OR r.rolbypassrls OR r.rolreplication,
				coalesce(pg_has_role(r.oid, o.oid, 'MEMBER'), false)
			FROM pg_roles r LEFT JOIN pg_roles o ON o.rolname = $2 WHERE r.rolname = $1`
		// Whose things these are: of a superuser's, only a superuser can.
		owners = `SELECT DISTINCT pg_get_userbyid(owner)::text, 'SCHEMA ' || schema FROM (
				SELECT nspowner, nspname FROM pg_namespace WHERE nspname IN ($1, $2)
				UNION SELECT c.relowner, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ($1, $2)
				UNION SELECT p.proowner, n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ($1, $2)
			) AS all_of_it (owner, schema) WHERE NOT pg_has_role(current_user, owner, 'MEMBER') ORDER BY 2, 1`
	)
	var me, database string
	var super, createRole, createSchema, schemas bool
	err := conn.QueryRow(ctx, self, schema, reporting).Scan(&me, &super, &createRole, &database, &createSchema, &schemas)
	if err != nil {
		return err
	}
	lacks := &RightsError{Role: me}
	missing := false
	for _, name := range []string{roles.Owner, roles.Application, roles.Dashboard} {
		var inOwner, powerful, hasOwner bool
		switch err := conn.QueryRow(ctx, role, name, roles.Owner).Scan(&inOwner, &powerful, &hasOwner); {
		case errors.Is(err, pgx.ErrNoRows):
			missing = true
		case err != nil:
			return err
		case name == roles.Owner && !inOwner && !createRole && !super:
			lacks.Missing = append(lacks.Missing, Right{member, name})
		case name != roles.Owner && (powerful || hasOwner):
			return fmt.Errorf("%w: %s is a superuser, may make roles, or is a member of %s", ErrRoles, name, roles.Owner)
		}
	}
	if missing && !createRole && !super {
		lacks.Missing = append(lacks.Missing, Right{"CREATEROLE", ""})
	}
	if !schemas && !createSchema {
		lacks.Missing = append(lacks.Missing, Right{"CREATE", "DATABASE " + database})
	}
	rows, err := conn.Query(ctx, owners, schema, reporting)
	if err != nil {
		return err
	}
	var by, what string
	_, err = pgx.ForEachRow(rows, []any{&by, &what}, func() error {
		if by != roles.Owner {
			lacks.Missing = append(lacks.Missing, Right{owner, what + " (" + by + ")"})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(lacks.Missing) > 0 {
		return lacks
	}
	return nil
}

// makeRoles makes the roles that are not there, and the session a member of the owner.
func makeRoles(ctx context.Context, tx pgx.Tx, roles Roles) (made []string, err error) {
	const (
		exists = `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`
		lock   = `SELECT pg_advisory_xact_lock(hashtext('soquy.roles'))`
		within = `SELECT pg_has_role(current_user, $1, 'MEMBER') OR rolsuper FROM pg_roles WHERE rolname = current_user`
	)
	if _, err := tx.Exec(ctx, lock); err != nil {
		return nil, err
	}
	for _, name := range []string{roles.Owner, roles.Application, roles.Dashboard} {
		var have bool
		if err := tx.QueryRow(ctx, exists, name).Scan(&have); err != nil {
			return nil, err
		}
		if have {
			continue
		}
		if _, err := tx.Exec(ctx, `CREATE ROLE `+ident(name)+` NOLOGIN`); err != nil {
			return nil, fmt.Errorf("make the role %s: %w", name, err)
		}
		made = append(made, name)
	}
	var in bool
	if err := tx.QueryRow(ctx, within, roles.Owner).Scan(&in); err != nil {
		return nil, err
	}
	if !in || len(made) > 0 && made[0] == roles.Owner {
		if _, err := tx.Exec(ctx, `GRANT `+ident(roles.Owner)+` TO CURRENT_USER`); err != nil {
			return nil, fmt.Errorf("become a member of %s: %w", roles.Owner, err)
		}
	}
	return made, nil
}

// own makes the schemas where they are not, and gives them and all that is in them to the owner.
func own(ctx context.Context, tx pgx.Tx, owner string) error {
	const (
		exists = `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`
		// An index, a sequence of a column and a type of a table go with their table.
		others = `SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, $1::text) FROM pg_namespace n
				JOIN pg_roles r ON r.oid = n.nspowner WHERE nspname IN ($2, $3) AND r.rolname <> $1
			UNION ALL
			SELECT format('ALTER %s %I.%I OWNER TO %I', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, n.nspname, c.relname, $1::text)
				FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
				WHERE n.nspname IN ($2, $3) AND r.rolname <> $1 AND c.relkind IN ('r', 'p', 'v')
			UNION ALL
			SELECT format('ALTER FUNCTION %s OWNER TO %I', p.oid::regprocedure, $1::text)
				FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner
				WHERE n.nspname IN ($2, $3) AND r.rolname <> $1`
	)
	for _, name := range []string{schema, reporting} {
		var have bool
		if err := tx.QueryRow(ctx, exists, name).Scan(&have); err != nil {
			return err
		}
		if !have {
			if _, err := tx.Exec(ctx, `CREATE SCHEMA `+name+` AUTHORIZATION `+ident(owner)); err != nil {
				return fmt.Errorf("make the schema %s: %w", name, err)
			}
		}
	}
	rows, err := tx.Query(ctx, others, owner, schema, reporting)
	if err != nil {
		return err
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// forbidTemporary takes from everybody the right to make temporary tables in the database, which PostgreSQL gives to PUBLIC: an application makes no
// tables. It takes the owner of the database, or a superuser; with another role it is left as it is.
func forbidTemporary(ctx context.Context, tx pgx.Tx, roles Roles) error {
	const query = `SELECT d.datname, r.rolsuper OR pg_has_role(current_user, d.datdba, 'USAGE')
		FROM pg_database d, pg_roles r WHERE d.datname = current_database() AND r.rolname = current_user`
	var database string
	var may bool
	if err := tx.QueryRow(ctx, query).Scan(&database, &may); err != nil || !may {
		return err
	}
	_, err := tx.Exec(ctx, `REVOKE TEMPORARY ON DATABASE `+ident(database)+` FROM PUBLIC, `+ident(roles.Application)+`, `+ident(roles.Dashboard))
	return err
}

// grantAll gives the application and the dashboard their rights, and no others.
func grantAll(ctx context.Context, db *sql.DB, roles Roles) error {
	app, dashboard := ident(roles.Application), ident(roles.Dashboard)
	all := ` FROM PUBLIC, ` + app + `, ` + dashboard
	statements := []string{
		`REVOKE ALL ON SCHEMA ` + schema + `, ` + reporting + all,
		`REVOKE ALL ON ALL TABLES IN SCHEMA ` + schema + `, ` + reporting + all,
		`REVOKE ALL ON ALL SEQUENCES IN SCHEMA ` + schema + `, ` + reporting + all,
		`REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ` + schema + `, ` + reporting + all,
		`GRANT USAGE ON SCHEMA ` + schema + ` TO ` + app,
		`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ` + schema + ` TO ` + app,
		`GRANT USAGE ON SCHEMA ` + reporting + ` TO ` + dashboard,
		`GRANT SELECT ON ALL TABLES IN SCHEMA ` + reporting + ` TO ` + dashboard,
		`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ` + reporting + ` TO ` + dashboard,
	}
	for _, a := range accesses() {
		statements = append(statements, `GRANT `+a.rights+` ON `+schema+`.`+a.table+` TO `+app)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return tx.Commit()
}

func ident(name string) string { return pgx.Identifier{name}.Sanitize() }
