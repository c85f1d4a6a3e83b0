package demo

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/internal/replay"
	"github.com/soquy/soquy/projections"
	models "github.com/soquy/soquy/projections/sqlite"
)

// TestDemo builds the demo of seed 1 through the writer on SQLite, asks the read models for every published figure, and compares the
// root of the log with the one that every machine must come to.
func TestDemo(t *testing.T) {
	t.Parallel()
	const seed = 1
	ctx := context.Background()
	read := models.New()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "demo.db"), sqlite.Options{Mode: sqlite.Create}, read.Join)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	source, clock := Source(seed)
	skey, vkey := Key(seed)
	signer, err := transparency.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	id, origin, err := ledger.Create(ctx, store, source, ledger.Opening{
		Origin: Origin(seed), Currency: Currency, TimeZone: TimeZone,
		PublicKey: func(string) (note.Signer, string, error) { return signer, vkey, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ctx, store, id, ledger.Options{Source: source, Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	if !l.Opened().ClockGiven {
		t.Error("the clock is not said to be given")
	}
	start := time.Now()
	var told, total int64
	err = Build(ctx, l, seed, clock, func(done, of int64) {
		if done < told || done > of {
			t.Errorf("progress %d of %d after %d", done, of, told)
		}
		told, total = done, of
	})
	if err != nil {
		t.Fatal(err)
	}
	if told != total {
		t.Errorf("progress ended at %d of %d", told, total)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	head, err := store.Head(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events in %s", head.Position(), time.Since(start).Round(time.Millisecond))
	if _, err := transparency.OpenCheckpoint(head.Note, vkey); err != nil {
		t.Error(err)
	}
	if got, ok := SeedOf(origin); !ok || got != seed {
		t.Errorf("SeedOf(%q) = %d, %t", origin, got, ok)
	}

	err = store.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		figures, err := Figures(ctx, read.Reader(tx, id))
		for _, f := range figures {
			if f.Published != f.Ledger {
				t.Errorf("%s: published %s, in the ledger %s", f.Key, f.Published, f.Ledger)
			}
			t.Logf("%-20s %15s  also %-6s  soquy %s", f.Key, f.Ledger, f.Also, f.Query)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	root := head.Edge.Root()
	golden(t, "testdata/seed-1.root", fmt.Sprintf("%d %s", head.Position(), base64.StdEncoding.EncodeToString(root[:])))

	var digests strings.Builder
	err = store.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, m := range projections.Models() {
			digest, err := read.Reader(tx, id).Digest(ctx, m)
			if err != nil {
				return err
			}
			fmt.Fprintf(&digests, "%s %d %s\n", m.Name, m.Version, base64.StdEncoding.EncodeToString(digest[:]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/seed-1.digests", strings.TrimSuffix(digests.String(), "\n"))

	referees(t, func(yield func(*domain.Event) error) error {
		return replay.Read(ctx, store, id, 1, head.Position(), replay.Options{Origin: origin}, func(e *replay.Event) error {
			if e.Err != nil {
				return e.Err
			}
			return yield(&e.Envelope.Event)
		})
	}, func(f func(context.Context, projections.Balances) error) error {
		return store.View(ctx, func(ctx context.Context, tx *sql.Tx) error { return f(ctx, read.Reader(tx, id)) })
	})
}
