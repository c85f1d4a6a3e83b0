package postgres

import (
	"context"
	"fmt"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// Units implements projections.Units.
func (r *Reader) Units(ctx context.Context) ([]projections.Unit, error) {
	const query = `SELECT u.unit, u.level, u.official, u.address, u.opened - DATE '1970-01-01', coalesce(u.parent, ''),
			u.closed - DATE '1970-01-01', coalesce(u.merged_into, ''), coalesce(n.name, ''), coalesce(n.name_en, '')
		FROM units u
		LEFT JOIN (
			SELECT DISTINCT ON (unit) unit, name, name_en FROM unit_names WHERE ledger_id = $1 AND slot = $2
			ORDER BY unit, from_on DESC, position DESC
		) n ON n.unit = u.unit
		WHERE u.ledger_id = $1 AND u.slot = $2 ORDER BY u.unit`
	rows, err := r.query(ctx, "units", query)
	list, err := collect(rows, err, func(u *projections.Unit) []any {
		return []any{&u.Code, &u.Level, &u.Official, &u.Address, &u.Opened, &u.Parent, &u.Closed, &u.Into, &u.Name, &u.NameEN}
	})
	if err != nil {
		return nil, fmt.Errorf("units: %w", err)
	}
	return list, nil
}

// Tree implements projections.Units. A tree is kept until there is another last edge.
func (r *Reader) Tree(ctx context.Context) (*projections.Tree, error) {
	const (
		last = `SELECT position, unit, parent, from_on - DATE '1970-01-01' FROM unit_edges
			WHERE ledger_id = $1 AND slot = $2 ORDER BY position DESC, unit DESC LIMIT 1`
		edges = `SELECT position, unit, parent, from_on - DATE '1970-01-01' FROM unit_edges
			WHERE ledger_id = $1 AND slot = $2 ORDER BY position, unit`
		levels = `SELECT unit, level FROM units WHERE ledger_id = $1 AND slot = $2`
	)
	read := func(query string) ([]projections.Edge, error) {
		rows, err := r.query(ctx, "units", query)
		return collect(rows, err, func(e *projections.Edge) []any {
			return []any{&e.Position, &e.Unit, &e.Parent, &e.From}
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
	type unitLevel struct {
		unit  string
		level domain.Level
	}
	rows, err := r.query(ctx, "units", levels)
	list, err := collect(rows, err, func(u *unitLevel) []any { return []any{&u.unit, &u.level} })
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
