package app

import (
	"context"
	"errors"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/migrations"
)

// Migrate brings the tables of a database up to date and, on PostgreSQL, makes the roles and gives them their rights.
func (a *App) Migrate(ctx context.Context, t cli.Target, r cli.Roles) (cli.Migration, error) {
	if err := addressed(t.DB); err != nil {
		return cli.Migration{}, err
	}
	if isPostgres(t.DB) {
		m, err := postgres.Migrate(ctx, t.DB, postgres.Roles(r))
		if err != nil {
			return cli.Migration{}, explained(err, t)
		}
		return cli.Migration{From: m.From, Version: m.To, Made: m.Made, Roles: &r}, nil
	}
	// An SQLite file is made by init; one that is there is brought up to date by whoever opens it for writing.
	latest, err := migrations.Latest(migrations.SQLite)
	if err != nil {
		return cli.Migration{}, err
	}
	m := cli.Migration{From: latest, Version: latest}
	db, err := openDatabase(ctx, t.DB, modeRead)
	if errors.Is(err, eventstore.ErrOlder) {
		m.From = 0
		db, err = openDatabase(ctx, t.DB, modeWrite)
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		return cli.Migration{}, explained(err, t)
	}
	return m, nil
}
