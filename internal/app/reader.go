package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/demo"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/ledger"
)

// reader reads one ledger.
type reader struct {
	*book
	target cli.Target
	roots  tileRoots
}

// Reader opens a ledger for reading.
func (a *App) Reader(ctx context.Context, t cli.Target) (cli.Reader, error) {
	b, err := a.open(ctx, t, modeRead)
	if err != nil {
		return nil, err
	}
	return &reader{book: b, target: t}, nil
}

func (r *reader) Close() error { return r.db.Close() }

// view is one state of the ledger.
type view struct {
	readModels
	head func() cli.Head
}

func (v *view) Head() cli.Head { return v.head() }

// View asks for the head last, or when f does: with a database over the network it then comes with what f asked for first.
func (r *reader) View(ctx context.Context, f func(cli.View) error) error {
	err := r.db.view(ctx, r.id, false, func(ctx context.Context, s state) error {
		var head cli.Head
		var failed error
		read := sync.OnceFunc(func() {
			var h eventstore.Head
			if h, failed = s.Head(ctx); failed == nil {
				head = r.book.head(h)
			}
		})
		err := f(&view{s, func() cli.Head { read(); return head }})
		if read(); failed != nil { // without a head there is no ledger, whatever f found
			return fmt.Errorf("read the head: %w", failed)
		}
		return err
	})
	return explained(err, r.target)
}

func (r *reader) PublicKey(ctx context.Context) (string, error) {
	public, err := ledger.PublicKey(ctx, r.db, r.id)
	return public, explained(err, r.target)
}

func (r *reader) Events(ctx context.Context, from int64, kind string, yield func([]byte) error) error {
	return explained(r.db.Read(ctx, r.id, from, 0, func(rec *eventstore.Record) error {
		if kind != "" && rec.Type != kind {
			return nil
		}
		return yield(rec.Envelope)
	}), r.target)
}

func (r *reader) Range(ctx context.Context, first, last int64, yield func(*domain.Event) error) error {
	return explained(r.events(ctx, first, last, yield), r.target)
}

// History calls yield with the events of a subject. A person's includes those of its aliases only by their own subject. A voucher's go
// through the fund of its first entry; a unit's and an actor's through the whole log.
func (r *reader) History(ctx context.Context, subject string, yield func([]byte, *domain.Event) error) error {
	switch kind, id, _ := strings.Cut(subject, ":"); kind {
	case "voucher":
		return explained(r.voucherHistory(ctx, id, yield), r.target)
	case "unit":
		return explained(r.scan(ctx, concerns(id), yield), r.target)
	case "actor":
		return explained(r.scan(ctx, func(e *domain.Event) bool { return e.Actor == id }, yield), r.target)
	}
	return explained(r.subjectHistory(ctx, subject, yield), r.target)
}

func (r *reader) subjectHistory(ctx context.Context, subject string, yield func([]byte, *domain.Event) error) error {
	return r.subject(ctx, subject, 1, 0, yield)
}

// subject calls yield with the events of positions from … to, 0 being the head, that name a subject.
func (r *reader) subject(ctx context.Context, subject string, from, to int64, yield func([]byte, *domain.Event) error) error {
	codec := r.codec()
	each := func(rec *eventstore.Record) error {
		decoded, err := codec.Decode(rec.Envelope)
		if err != nil {
			return fmt.Errorf("position %d: %w", rec.Position, err)
		}
		return yield(rec.Envelope, &decoded.Event)
	}
	return r.db.Subject(ctx, r.id, subject, from, to, each)
}

func (r *reader) Personal(ctx context.Context, persons []uuid.UUID) (map[uuid.UUID]cli.Personal, error) {
	latest := map[uuid.UUID]uuid.UUID{} // person → private text
	codec := r.codec()
	for _, id := range persons {
		err := r.db.Subject(ctx, r.id, domain.PersonSubject(id), 1, 0, func(rec *eventstore.Record) error {
			if !strings.HasPrefix(rec.Type, "person.") {
				return nil
			}
			decoded, err := codec.Decode(rec.Envelope)
			if err != nil {
				return fmt.Errorf("position %d: %w", rec.Position, err)
			}
			switch body := decoded.Event.Body.(type) {
			case *domain.PersonRegistered:
				latest[id] = body.Personal.Private
			case *domain.PersonCorrected:
				latest[id] = body.Personal.Private
			}
			return nil
		})
		if err != nil {
			return nil, explained(err, r.target)
		}
	}
	var ids []uuid.UUID
	for _, private := range latest {
		ids = append(ids, private)
	}
	rows, err := r.db.Private(ctx, r.id, ids)
	if err != nil {
		return nil, explained(err, r.target)
	}
	out := map[uuid.UUID]cli.Personal{}
	for person, private := range latest {
		row, exists := rows[private]
		if !exists {
			continue
		}
		p, err := eventcodec.ParsePersonal(row.Document)
		if err != nil {
			return nil, fmt.Errorf("private text %s: %w", private, err)
		}
		out[person] = p
	}
	return out, nil
}

// remarksAtOnce is how many remarks are read at once.
const remarksAtOnce = 1_024

func (r *reader) Remarks(ctx context.Context, ids []uuid.UUID, yield func(id uuid.UUID, remark string)) error {
	for some := range slices.Chunk(ids, remarksAtOnce) {
		rows, err := r.db.Private(ctx, r.id, some)
		if err != nil {
			return explained(err, r.target)
		}
		for id, row := range rows {
			remark, err := eventcodec.ParseRemark(row.Document)
			if err != nil {
				return explained(fmt.Errorf("%w: private text %s: %w", eventstore.ErrCorrupt, id, err), r.target)
			}
			yield(id, remark)
		}
	}
	return nil
}

// DemoFigures compares what was published with what the ledger of a demo has.
func (a *App) DemoFigures(ctx context.Context, t cli.Target) ([]cli.Figure, error) {
	r, err := a.Reader(ctx, t)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []cli.Figure
	err = r.View(ctx, func(v cli.View) error {
		figures, err := demo.Figures(ctx, v)
		if err != nil {
			return err
		}
		for _, f := range figures {
			out = append(out, cli.Figure(f))
		}
		return nil
	})
	return out, err
}
