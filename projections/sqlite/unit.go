package sqlite

import (
	"context"
	"fmt"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// Units implements projections.Units.
func (r *Reader) Units(ctx context.Context) ([]projections.Unit, error) {
	const (
		query = `SELECT unit, level, official, address, opened, parent, closed, merged_into FROM units
			WHERE ledger_id = ? AND slot = ? ORDER BY unit`
		names = `SELECT unit, name, name_en FROM unit_names
			WHERE ledger_id = ? AND slot = ? ORDER BY from_on, position`
	)
	rows, err := r.query(ctx, "units", query)
	if err != nil {
		return nil, fmt.Errorf("units: %w", err)
	}
	list, err := collect(rows, func(u *projections.Unit) []any {
		return []any{
			&u.Code, &u.Level, &u.Official, &u.Address,
			date{&u.Opened},
			optionalText{&u.Parent},
			optionalDate{&u.Closed},
			optionalText{&u.Into},
		}
	})
	if err != nil {
		return nil, fmt.Errorf("units: %w", err)
	}
	rows, err = r.query(ctx, "units", names)
	if err != nil {
		return nil, fmt.Errorf("names of units: %w", err)
	}
	type name struct{ unit, name, nameEN string }
	all, err := collect(rows, func(n *name) []any { return []any{&n.unit, &n.name, &n.nameEN} })
	if err != nil {
		return nil, fmt.Errorf("names of units: %w", err)
	}
	latest := make(map[string]name, len(list))
	for _, n := range all {
		latest[n.unit] = n
	}
	for i := range list {
		n := latest[list[i].Code]
		list[i].Name, list[i].NameEN = n.name, n.nameEN
	}
	return list, nil
}

// Tree implements projections.Units. A tree is kept until there is another last edge.
func (r *Reader) Tree(ctx context.Context) (*projections.Tree, error) {
	const (
		last = `SELECT position, unit, parent, from_on FROM unit_edges
			WHERE ledger_id = ? AND slot = ? ORDER BY position DESC, unit DESC LIMIT 1`
		edges = `SELECT position, unit, parent, from_on FROM unit_edges
			WHERE ledger_id = ? AND slot = ? ORDER BY position, unit`
		levels = `SELECT unit, level FROM units WHERE ledger_id = ? AND slot = ?`
	)
	read := func(query string) ([]projections.Edge, error) {
		rows, err := r.query(ctx, "units", query)
		if err != nil {
			return nil, err
		}
		return collect(rows, func(e *projections.Edge) []any {
			return []any{&e.Position, &e.Unit, &e.Parent, date{&e.From}}
		})
	}
	end, err := read(last)
	if err != nil {
		return nil, fmt.Errorf("edges of units: %w", err)
	}
	if kept, ok := r.p.trees.Load(r.ledger); ok && len(end) == 1 {
		if tree := kept.(*projections.Tree); tree.LastEdge() == end[0] {
			return tree, nil
		}
	}
	all, err := read(edges)
	if err != nil {
		return nil, fmt.Errorf("edges of units: %w", err)
	}
	rows, err := r.query(ctx, "units", levels)
	if err != nil {
		return nil, fmt.Errorf("levels of units: %w", err)
	}
	type unitLevel struct {
		unit  string
		level domain.Level
	}
	list, err := collect(rows, func(u *unitLevel) []any { return []any{&u.unit, &u.level} })
	if err != nil {
		return nil, fmt.Errorf("levels of units: %w", err)
	}
	of := make(map[string]domain.Level, len(list))
	for _, u := range list {
		of[u.unit] = u.level
	}
	tree := projections.NewTree(of, all)
	r.p.trees.Store(r.ledger, tree)
	return tree, nil
}
