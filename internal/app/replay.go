package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/internal/replay"
	"github.com/soquy/soquy/projections"
	sqlitemodels "github.com/soquy/soquy/projections/sqlite"
)

// scratchBatch is how many events a transaction of a scratch database takes.
const scratchBatch = 4096

// scratch is read models in a file of their own, filled by the writer that fills those of a ledger, from the log alone.
type scratch struct {
	dir    string
	store  *sqlite.Store
	models *sqlitemodels.Projections
	ledger uuid.UUID
	batch  eventstore.Batch
	tree   *transparency.Tree
}

func newScratch(id uuid.UUID) (*scratch, error) {
	dir, err := os.MkdirTemp("", "soquy-replay-")
	if err != nil {
		return nil, fmt.Errorf("make a scratch database: %w", err)
	}
	store, err := sqlite.Open(filepath.Join(dir, "scratch.db"), sqlite.Options{Mode: sqlite.Create})
	if err != nil {
		return nil, fmt.Errorf("make a scratch database: %w", errors.Join(err, os.RemoveAll(dir)))
	}
	return &scratch{
		dir: dir, store: store, models: sqlitemodels.New(), ledger: id, batch: eventstore.Batch{Ledger: id}, tree: transparency.NewTree(),
	}, nil
}

// Close takes the scratch database away.
func (s *scratch) Close() error { return errors.Join(s.store.Close(), os.RemoveAll(s.dir)) }

// fold takes the events of a book from where the scratch is through a position.
func (s *scratch) fold(ctx context.Context, b *book, through int64, p cli.Progress) error {
	o := replay.Options{Origin: b.opened.Origin, Decimals: b.money.Decimals, Hash: true}
	err := replay.Read(ctx, b.db, b.id, s.batch.After+1, through, o, func(e *replay.Event) error {
		var newer *eventcodec.UnknownTypeError
		if errors.As(e.Err, &newer) {
			return newer
		}
		if e.Err != nil {
			return &ledger.IntegrityError{Position: e.Record.Position, What: e.Err.Error()}
		}
		s.tree.Append(e.Leaf)
		record := e.Record
		record.Event = &e.Envelope.Event
		s.batch.Records = append(s.batch.Records, record)
		if len(s.batch.Records) < scratchBatch {
			return nil
		}
		if p != nil {
			p(record.Position, through)
		}
		return s.write(ctx)
	})
	if err != nil {
		return err
	}
	return s.write(ctx)
}

func (s *scratch) write(ctx context.Context) error {
	if len(s.batch.Records) == 0 {
		return nil
	}
	// Who reads the models looks in this row where they are.
	const head = `INSERT INTO ledgers (ledger_id, head_position, tree, note, joined_position) VALUES (?1, ?2, x'', x'', ?2)
		ON CONFLICT DO UPDATE SET head_position = ?2, joined_position = ?2`
	s.batch.Joined = s.batch.After
	err := s.store.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, head, s.ledger[:], s.batch.Last()); err != nil {
			return err
		}
		return s.models.Join(ctx, sqlitemodels.In(ctx, tx), &s.batch)
	})
	if err != nil {
		return fmt.Errorf("write the scratch database: %w", err)
	}
	s.batch.After, s.batch.Records = s.batch.Last(), nil
	return nil
}

// view calls f with the read models.
func (s *scratch) view(ctx context.Context, f func(context.Context, *sqlitemodels.Reader) error) error {
	return s.store.View(ctx, func(ctx context.Context, tx *sql.Tx) error { return f(ctx, s.models.Reader(tx, s.ledger)) })
}

// digester is a reader that can tell the digest of the rows of a model.
type digester interface {
	Digest(ctx context.Context, m *projections.Model) ([32]byte, error)
}

// Replay folds the log again and compares.
func (a *App) Replay(ctx context.Context, t cli.Target, at cli.KnownAt, p cli.Progress) (out cli.Replayed, err error) {
	b, err := a.open(ctx, t, modeRead)
	if err != nil {
		return out, err
	}
	defer b.db.Close()
	r := &reader{book: b, target: t}
	s, err := newScratch(b.id)
	if err != nil {
		return out, explained(err, t)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if at.Now() {
		out, err = r.replayHead(ctx, s, p)
	} else {
		out, err = r.replayPast(ctx, s, at, p)
	}
	return out, explained(err, t)
}

// replayHead goes through the log beside a writer; what came meanwhile is folded in the state that is compared.
func (r *reader) replayHead(ctx context.Context, s *scratch, p cli.Progress) (out cli.Replayed, err error) {
	h, err := r.db.Head(ctx, r.id)
	if err != nil {
		return out, fmt.Errorf("read the head: %w", err)
	}
	if err := s.fold(ctx, r.book, h.Position(), p); err != nil {
		return out, err
	}
	err = r.db.view(ctx, r.id, true, func(ctx context.Context, live state) error {
		h, err := live.Head(ctx)
		if err != nil {
			return fmt.Errorf("read the head: %w", err)
		}
		if err := s.fold(ctx, r.book, h.Position(), nil); err != nil {
			return err
		}
		out.Head = r.head(h)
		if err := s.same(out.Head.Position, out.Head.Root); err != nil {
			return err
		}
		out.Projections, err = s.digests(ctx, live)
		return err
	})
	return out, err
}

// replayPast compares what both answer, since live read models have the rows of the head.
func (r *reader) replayPast(ctx context.Context, s *scratch, at cli.KnownAt, p cli.Progress) (out cli.Replayed, err error) {
	err = r.ViewAt(ctx, at, func(v cli.View) error { out.Head = v.Head(); return nil })
	if err != nil {
		return out, err
	}
	if err := s.fold(ctx, r.book, out.Head.Position, p); err != nil {
		return out, err
	}
	if err := s.same(out.Head.Position, out.Head.Root); err != nil {
		return out, err
	}
	if out.Projections, err = s.digests(ctx, nil); err != nil {
		return out, err
	}
	err = r.ViewAt(ctx, cli.KnownAt{Position: out.Head.Position}, func(v cli.View) error {
		return s.view(ctx, func(ctx context.Context, again *sqlitemodels.Reader) error {
			out.Answers, err = compareAnswers(ctx, again, v)
			return err
		})
	})
	return out, err
}

// same refuses a log whose events do not lead to the root of its head.
func (s *scratch) same(position int64, root transparency.Hash) error {
	if s.tree.Root() != root {
		return &ledger.IntegrityError{Position: position, What: "the events do not lead to the root of the head"}
	}
	return nil
}

// digests returns the digests of the read models, beside those of live ones when they are given.
func (s *scratch) digests(ctx context.Context, live state) (list []cli.ReplayedProjection, err error) {
	err = s.view(ctx, func(ctx context.Context, again *sqlitemodels.Reader) error {
		for _, m := range projections.Models() {
			one := cli.ReplayedProjection{Name: m.Name, Version: m.Version}
			if one.Digest, err = again.Digest(ctx, m); err != nil {
				return err
			}
			if live != nil {
				digest, err := live.Digest(ctx, m)
				if err != nil {
					return err
				}
				one.Live = &digest
			}
			list = append(list, one)
		}
		return nil
	})
	return list, err
}

// answers are the questions that replayed and live read models are compared by.
type answers interface {
	projections.Balances
	projections.Totals
}

func compareAnswers(ctx context.Context, again, live answers) (list []cli.ReplayedAnswer, err error) {
	a, err := again.Balances(ctx, projections.BalanceQuery{})
	if err != nil {
		return nil, err
	}
	b, err := live.Balances(ctx, projections.BalanceQuery{})
	if err != nil {
		return nil, err
	}
	list = append(list, cli.ReplayedAnswer{Name: "balances", Rows: int64(len(a)), OK: len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b))})
	for _, paid := range []bool{false, true} {
		q := projections.TotalsQuery{By: []projections.Dim{projections.ByUnit, projections.ByFund, projections.ByAsset, projections.ByMonth}, Paid: paid}
		a, err := again.Totals(ctx, q)
		if err != nil {
			return nil, err
		}
		b, err := live.Totals(ctx, q)
		if err != nil {
			return nil, err
		}
		name := "totals"
		if paid {
			name = "payments"
		}
		list = append(list, cli.ReplayedAnswer{Name: name, Rows: int64(len(a)), OK: len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b))})
	}
	return list, nil
}
