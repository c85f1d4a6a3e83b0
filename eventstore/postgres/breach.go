package postgres

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
)

// Bits of pg_trigger.tgtype.
const (
	forEachRow = 1 << 0
	before     = 1 << 1
	onDelete   = 1 << 3
	onUpdate   = 1 << 4
	onTruncate = 1 << 5
)

// guards are the triggers that keep events and tiles as they are. The migrations make them; a partition of events has those of events.
var guards = []struct {
	table, name string
	kind        int
}{
	{"events", "events_no_change", forEachRow | before | onDelete | onUpdate},
	{"events", "events_no_truncate", before | onTruncate},
	{"tiles", "tiles_no_update", forEachRow | before | onUpdate},
}

// refusal is the body of soquy.refuse_change, which each of them calls.
const refusal = `BEGIN RAISE EXCEPTION '% are immutable', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END`

// Breaches implements eventstore.Tables.
func (s *Store) Breaches(ctx context.Context) ([]eventstore.Breach, error) {
	var list []eventstore.Breach
	err := s.View(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for _, look := range []func(context.Context, pgx.Tx) ([]eventstore.Breach, error){openTriggers, settings, rightsBeyond} {
			found, err := look(ctx, tx)
			if err != nil {
				return err
			}
			list = append(list, found...)
		}
		return nil
	})
	slices.SortFunc(list, func(a, b eventstore.Breach) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Kind, b.Kind))
	})
	return slices.Compact(list), wrap("look at triggers and rights", err)
}

// openTriggers compares the triggers of events, of each of its partitions, and of tiles with what they are to be.
func openTriggers(ctx context.Context, tx pgx.Tx) (list []eventstore.Breach, err error) {
	const query = `SELECT CASE WHEN c.relispartition THEN 'events' ELSE c.relname END, c.relname, coalesce(t.tgname, ''), coalesce(t.tgtype, 0),
			coalesce(t.tgenabled::text, ''), coalesce(t.tgqual IS NULL AND t.tgattr::text = '', true), coalesce(p.prosrc, '')
		FROM pg_class c
		LEFT JOIN pg_trigger t ON t.tgrelid = c.oid
		LEFT JOIN pg_proc p ON p.oid = t.tgfoid
		WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND c.relkind IN ('r', 'p')
			AND (c.relname IN ('events', 'tiles') OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass($1 || '.events')))`
	type trigger struct {
		kind    int
		enabled string
		always  bool
		body    string
	}
	have := map[[2]string]trigger{} // by table and name
	kinds := map[string]string{}    // of the tables
	err = each(ctx, tx, query, []any{schema}, func(rows pgx.Rows) error {
		var kind, table, name string
		var t trigger
		err := rows.Scan(&kind, &table, &name, &t.kind, &t.enabled, &t.always, &t.body)
		kinds[table] = kind
		have[[2]string{table, name}] = t
		return err
	})
	for table, kind := range kinds {
		for _, g := range guards {
			if g.table != kind {
				continue
			}
			breach := eventstore.Breach{Table: table, Name: g.name}
			switch t, is := have[[2]string{table, g.name}]; {
			case !is:
				breach.Kind = eventstore.TriggerMissing
			case t.kind != g.kind || !t.always || !slices.Equal(strings.Fields(t.body), strings.Fields(refusal)):
				breach.Kind = eventstore.TriggerAltered
			case t.enabled != "O" && t.enabled != "A":
				breach.Kind = eventstore.TriggerDisabled
			default:
				continue
			}
			list = append(list, breach)
		}
	}
	return list, err
}

// settings looks for roles whose sessions begin without triggers in this database.
func settings(ctx context.Context, tx pgx.Tx) (list []eventstore.Breach, err error) {
	const query = `SELECT coalesce(r.rolname, 'PUBLIC') FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
		WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
			AND EXISTS (SELECT FROM unnest(s.setconfig) v WHERE v LIKE 'session_replication_role=%' AND v <> 'session_replication_role=origin')`
	err = each(ctx, tx, query, nil, func(rows pgx.Rows) error {
		b := eventstore.Breach{Kind: eventstore.TriggersOff, Name: "session_replication_role"}
		err := rows.Scan(&b.Role)
		list = append(list, b)
		return err
	})
	return list, err
}

// rightsBeyond looks for what roles but the owner may do beyond what grantAll gives them. A role that may insert events is an application,
// one that may read a view of reporting is a dashboard, whatever they are called. Who may only read the tables may do so, unless it is a
// dashboard, or everyone: a backup's role, say.
func rightsBeyond(ctx context.Context, tx pgx.Tx) (list []eventstore.Breach, err error) {
	const query = `WITH things AS (
			SELECT n.nspname, c.relname, c.relowner AS owner, c.relispartition AS part, c.relacl AS acl
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname IN ($1, $2) AND c.relkind IN ('r', 'p', 'v')
			UNION ALL
			SELECT n.nspname, c.relname, c.relowner, c.relispartition, a.attacl
			FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname IN ($1, $2) AND c.relkind IN ('r', 'p', 'v') AND a.attacl IS NOT NULL
			UNION ALL
			SELECT nspname, '', nspowner, false, nspacl FROM pg_namespace WHERE nspname IN ($1, $2)
		)
		SELECT t.nspname, t.relname, t.part, coalesce(r.rolname, ''), a.privilege_type,
			coalesce(NOT r.rolsuper AND pg_has_role(r.oid, t.owner, 'MEMBER'), false)
		FROM things t CROSS JOIN LATERAL aclexplode(t.acl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
		WHERE a.grantee <> t.owner`
	type grant struct {
		schema, table, role, right string
		part, owns                 bool
	}
	var grants []grant
	dashboards, applications := map[string]bool{}, map[string]bool{}
	err = each(ctx, tx, query, []any{schema, reporting}, func(rows pgx.Rows) error {
		var g grant
		err := rows.Scan(&g.schema, &g.table, &g.part, &g.role, &g.right, &g.owns)
		grants = append(grants, g)
		switch {
		case g.schema == reporting:
			dashboards[g.role] = true
		case g.table == "events" && g.right == "INSERT":
			applications[g.role] = true
		}
		return err
	})
	given := map[string]string{}
	for _, a := range accesses() {
		given[a.table] = a.rights
	}
	for _, g := range grants {
		within := g.right == "SELECT" || g.right == "USAGE"
		switch {
		case g.role == "": // everyone
			within = g.right == "USAGE"
		case g.schema == schema && dashboards[g.role] && !applications[g.role]:
			within = false
		case g.schema == schema && g.table != "" && !g.part:
			within = within || slices.Contains(strings.Split(given[g.table], ", "), g.right)
		}
		if !within {
			list = append(list, eventstore.Breach{
				Kind: eventstore.RightBeyond, Table: strings.Trim(g.schema+"."+g.table, "."), Name: g.right, Role: cmp.Or(g.role, "PUBLIC"),
			})
		}
		if g.owns && applications[g.role] && g.table == "events" {
			list = append(list, eventstore.Breach{Kind: eventstore.RightBeyond, Table: g.schema + "." + g.table, Name: owner, Role: g.role})
		}
	}
	return list, err
}
