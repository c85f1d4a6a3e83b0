package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/migrations"
)

// ErrReplica: the server is a standby, which cannot be written. It is an eventstore.ErrReadOnly, too.
var ErrReplica = fmt.Errorf("%w: the server is a standby", eventstore.ErrReadOnly)

// A Right is something that a role may do: a privilege as SQL calls it, on an object; or that it is the OWNER of one or MEMBER
// of a role. Object is "" for what a role has whatever the object, such as CREATEROLE.
type Right struct{ Privilege, Object string }

func (r Right) String() string {
	switch {
	case r.Object == "":
		return r.Privilege
	case r.Privilege == member || r.Privilege == owner:
		return r.Privilege + " OF " + r.Object
	}
	return r.Privilege + " ON " + r.Object
}

const (
	member = "MEMBER"
	owner  = "OWNER"
)

// A RightsError says which rights a role has not that it needs.
type RightsError struct {
	Role    string
	Missing []Right
}

func (e *RightsError) Error() string {
	return fmt.Sprintf("role %s lacks %s", e.Role, e.List())
}

// List names the rights as GRANT does, such as "INSERT ON soquy.events".
func (e *RightsError) List() string {
	list := make([]string, len(e.Missing))
	for i, r := range e.Missing {
		list[i] = r.String()
	}
	return strings.Join(list, ", ")
}

// An access is what the application does with a table. Who may only read needs SELECT.
type access struct {
	table  string
	rights string // with commas
	why    string // beyond SELECT and INSERT
}

// accesses are all that the application role may do with tables. Whatever is not here is refused to it, DDL above all. It may call
// the functions of the schema, which have its own rights, but for soquy.ensure_partition: that one makes a partition of events
// with the rights of the owner, and can do nothing else.
func accesses() []access {
	const (
		add    = "SELECT, INSERT"
		fold   = "a batch adds to its rows, and a rebuild empties the slot that is not live"
		once   = "a rebuild empties the slot that is not live"
		change = add + ", UPDATE, DELETE"
		remove = add + ", DELETE"
	)
	return []access{
		{"goose_db_version", "SELECT", ""},
		{"origins", add, ""},
		{"ledgers", add + ", UPDATE", "an append swaps the head, and locks its row"},
		{"events", add, ""},
		{"subjects", add, ""},
		{"subject_runs", remove, "an append puts them in order and into subjects"},
		{"commands", add, ""},
		{"tiles", add, ""},
		{"checkpoints", add, ""},
		{"snapshots", change, "two are kept; one of the same position is written again"},
		{"private", remove, "a person's texts are erased"},
		{"progress", add + ", UPDATE", "a rebuild swaps the slots"},
		{"rebuilds", change, "a rebuild notes how far it is, and takes its note away"},
		{"units", change, fold},
		{"unit_edges", remove, once},
		{"unit_names", remove, once},
		{"funds", change, fold},
		{"fund_units", remove, once},
		{"persons", remove, once},
		{"person_aliases", change, fold},
		{"goods", remove, once},
		{"balances", change, fold},
		{"balance_buckets", change, fold},
		{"balance_entries", remove, "an append puts them into balances, and a rebuild empties the slot that is not live"},
		{"total_keys", remove, once},
		{"total_facts", remove, once},
		{"total_gifts", remove, once},
		{"vouchers", remove, once},
		{"donors", remove, once},
		{"pledges", change, fold},
		{"indicators", change, fold},
	}
}

// lookAround finds out, before anything else is read, whether the server can be written and the schema be used.
func lookAround(ctx context.Context, db *sql.DB, mode Mode) error {
	const query = `SELECT current_user, pg_is_in_recovery(),
		coalesce((SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1), true)`
	var role string
	var standby, usable bool
	if err := db.QueryRowContext(ctx, query, schema).Scan(&role, &standby, &usable); err != nil {
		return err
	}
	switch {
	case standby && mode != ReadOnly:
		return ErrReplica
	case !usable:
		return &RightsError{role, []Right{{"USAGE", "SCHEMA " + schema}}}
	}
	return nil
}

// checkRights looks that the role has all rights that the mode needs, so that what is missing is said at once and not in the middle.
func checkRights(ctx context.Context, db *sql.DB, mode Mode) error {
	const query = `SELECT current_user, coalesce(string_agg(m.missing, ', ' ORDER BY m.place), '') FROM (
			SELECT w.place, right_name || ' ON ' || $2 || '.' || c.relname
			FROM unnest(string_to_array($1, ',')) WITH ORDINALITY AS w (wanted, place)
			CROSS JOIN LATERAL split_part(w.wanted, ' ', 1) AS right_name
			JOIN pg_class c ON c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $2) AND c.relname = split_part(w.wanted, ' ', 2)
			WHERE NOT has_table_privilege(c.oid, right_name)
			UNION ALL
			SELECT 1000, 'EXECUTE ON FUNCTION ' || $2 || '.' || p.proname
			FROM pg_proc p
			WHERE $3 AND p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = $2) AND NOT has_function_privilege(p.oid, 'EXECUTE')
		) AS m (place, missing)`
	var wanted []string
	for _, a := range accesses() {
		for right := range strings.SplitSeq(a.rights, ", ") {
			if right == "SELECT" || mode != ReadOnly {
				wanted = append(wanted, right+" "+a.table)
			}
		}
	}
	var role, missing string
	if err := db.QueryRowContext(ctx, query, strings.Join(wanted, ","), schema, mode != ReadOnly).Scan(&role, &missing); err != nil {
		return fmt.Errorf("check the rights: %w", err)
	}
	if missing == "" {
		return nil
	}
	refused := &RightsError{Role: role}
	for m := range strings.SplitSeq(missing, ", ") {
		right, object, _ := strings.Cut(m, " ON ")
		refused.Missing = append(refused.Missing, Right{right, object})
	}
	return refused
}

// cannotMake turns a refusal of the server to let this role make or change tables into what is to be said: that the owner has to.
func cannotMake(ctx context.Context, db *sql.DB, before, err error) error {
	const query = `SELECT current_user, current_database(), has_database_privilege(current_database(), 'CREATE')`
	if state(err) != insufficientPrivilege {
		return err
	}
	if !errors.Is(before, migrations.ErrNoSchema) {
		return fmt.Errorf("%w: %w", before, err)
	}
	var role, database string
	var mayCreate bool
	if failed := db.QueryRowContext(ctx, query).Scan(&role, &database, &mayCreate); failed != nil {
		return errors.Join(err, failed)
	}
	if mayCreate { // the schemas are there, and another role's
		return &RightsError{role, []Right{{"CREATE", "SCHEMA " + schema}, {"CREATE", "SCHEMA " + reporting}}}
	}
	return &RightsError{role, []Right{{"CREATE", "DATABASE " + database}}}
}
