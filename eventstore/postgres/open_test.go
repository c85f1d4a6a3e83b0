package postgres_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/storetest"
	"github.com/soquy/soquy/internal/pgtest"
)

func TestOpen(t *testing.T) {
	url := pgtest.Database(t)
	ctx := t.Context()
	must := func(query string, args ...any) {
		t.Helper()
		if err := exec(ctx, url, query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	wants := func(mode postgres.Mode, want error) {
		t.Helper()
		s, err := postgres.Open(ctx, url, postgres.Options{Mode: mode})
		if err == nil {
			_ = s.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", mode, err, want)
		}
	}
	must(`CREATE TABLE public.accounts (id int)`)
	wants(postgres.ReadOnly, eventstore.ErrNoSchema)
	wants(postgres.ReadWrite, eventstore.ErrNoSchema)

	must(`CREATE SCHEMA soquy`)
	wants(postgres.ReadWrite, eventstore.ErrNoSchema) // empty: an administrator made it for us
	must(`CREATE TABLE soquy.accounts (id int)`)
	for _, mode := range []postgres.Mode{postgres.ReadOnly, postgres.ReadWrite, postgres.Create} {
		wants(mode, eventstore.ErrForeign)
	}
	must(`DROP TABLE soquy.accounts`)

	wants(postgres.Create, nil)
	for _, mode := range []postgres.Mode{postgres.ReadOnly, postgres.ReadWrite, postgres.Create} {
		wants(mode, nil)
	}
	must(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	for _, mode := range []postgres.Mode{postgres.ReadOnly, postgres.ReadWrite, postgres.Create} {
		wants(mode, eventstore.ErrNewer)
	}
	must(`SELECT FROM public.accounts`)
}

func TestOpenAtOnce(t *testing.T) {
	url := pgtest.Database(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), url, postgres.Options{Mode: postgres.Create})
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.Close()
		})
	}
	wg.Wait()
}

func TestReadOnly(t *testing.T) {
	url := pgtest.Database(t)
	ctx := t.Context()
	writer, l := open(t, url, postgres.Create), storetest.NewLedger(t, "KH")
	if _, err := writer.Append(ctx, l.Batch(3)); err != nil {
		t.Fatal(err)
	}
	l.Committed()
	reader := open(t, url, postgres.ReadOnly)
	if head, err := reader.Head(ctx, l.ID); err != nil || head.Position() != 3 {
		t.Errorf("head %d, %v", head.Position(), err)
	}
	for name, err := range map[string]error{
		"append":   func() error { _, err := reader.Append(ctx, l.Batch(1)); return err }(),
		"lock":     func() error { _, err := reader.Lock(ctx, l.ID); return err }(),
		"begin":    func() error { _, err := reader.Begin(ctx, l.ID); return err }(),
		"snapshot": reader.SaveSnapshot(ctx, l.ID, eventstore.Snapshot{Position: 1}),
		"write":    reader.Write(ctx, func(context.Context, pgx.Tx) error { return nil }),
	} {
		if !errors.Is(err, eventstore.ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, s := range []*postgres.Store{reader, writer} {
		if err := s.View(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM private`)
			return err
		}); err == nil {
			t.Error("a View wrote")
		}
	}
}

// TestPartitions goes over the end of a partition.
func TestPartitions(t *testing.T) {
	const size = 1 << 24
	url := pgtest.Database(t)
	ctx := t.Context()
	s, l := open(t, url, postgres.Create), storetest.NewLedger(t, "KH")
	if _, err := s.Append(ctx, l.Batch(1)); err != nil {
		t.Fatal(err)
	}
	l.Committed()
	for _, last := range []int64{size - 1<<20 - 2, size - 1, 3*size + 7} {
		if err := exec(ctx, url, `UPDATE ledgers SET head_position = $1`, last); err != nil {
			t.Fatal(err)
		}
		b := l.Batch(4)
		b.After = last
		for i := range b.Records {
			b.Records[i].Position = last + 1 + int64(i)
		}
		b.Edge.Size = last + 4
		if _, err := s.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Event(ctx, l.ID, b.Records[3].ID); err != nil {
			t.Error(err)
		}
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	const query = `SELECT inhrelid::regclass::text,
			(SELECT attstorage::text FROM pg_attribute WHERE attrelid = inhrelid AND attname = 'envelope'),
			(SELECT count(*) FROM pg_trigger WHERE tgrelid = inhrelid),
			(SELECT count(*) FROM pg_index WHERE indrelid = inhrelid),
			(SELECT count(*) FROM pg_constraint WHERE conrelid = inhrelid AND contype = 'c')
		FROM pg_inherits WHERE inhparent = 'soquy.events'::regclass ORDER BY 1`
	type partition struct {
		Name, Storage             string
		Triggers, Indexes, Checks int
	}
	rows, err := conn.Query(ctx, query)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[partition])
	if err != nil {
		t.Fatal(err)
	}
	var want []partition
	for _, n := range []string{"0", "1", "3"} {
		want = append(want, partition{"soquy.events_00000000000" + n, "e", 2, 2, 2})
	}
	if !slices.Equal(want, got) {
		t.Errorf("partitions %+v, want %+v", got, want)
	}
	for _, query := range []string{`TRUNCATE events_000000000003`, `DELETE FROM events_000000000001`, `UPDATE events_000000000001 SET type = ''`} {
		if err := exec(ctx, url, query); err == nil {
			t.Errorf("%s was not refused", query)
		}
	}
}

// TestOutcome breaks the COMMIT in each way that it can be, and looks that what is said is true.
func TestOutcome(t *testing.T) {
	for _, test := range []struct {
		name, body    string
		known, stored bool
	}{
		{"refused", `RAISE EXCEPTION 'not at this time'`, true, false},
		{"killed", `PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10)`, false, false},
		{"warned", `RAISE WARNING 'canceling wait for synchronous replication due to user request'`, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := pgtest.Database(t)
			ctx := t.Context()
			s, l := open(t, url, postgres.Create), storetest.NewLedger(t, "KH")
			if _, err := s.Append(ctx, l.Batch(1)); err != nil {
				t.Fatal(err)
			}
			l.Committed()
			for _, query := range []string{
				`CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ` + test.body + `; RETURN NULL; END $$`,
				`CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON ledgers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()`,
			} {
				if err := exec(ctx, url, query); err != nil {
					t.Fatal(err)
				}
			}
			note, err := s.Append(ctx, l.Batch(2))
			if err == nil || note != nil {
				t.Fatalf("the append returned %q, %v", note, err)
			}
			if known := !errors.Is(err, eventstore.ErrOutcomeUnknown); known != test.known {
				t.Errorf("%v", err)
			}
			if err := exec(ctx, url, `DROP TRIGGER at_commit ON ledgers`); err != nil {
				t.Fatal(err)
			}
			lock, err := s.Lock(ctx, l.ID)
			if err != nil {
				t.Fatal(err)
			}
			if stored := lock.Head().Position() == 3; stored != test.stored {
				t.Errorf("afterwards the head is %d", lock.Head().Position())
			}
			if err := lock.Release(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLocked has somebody hold a ledger's lock for longer than an append waits.
func TestLocked(t *testing.T) {
	url := pgtest.Database(t)
	ctx := t.Context()
	holder, l := open(t, url, postgres.Create), storetest.NewLedger(t, "KH")
	if _, err := holder.Append(ctx, l.Batch(1)); err != nil {
		t.Fatal(err)
	}
	l.Committed()
	lock, err := holder.Lock(ctx, l.ID)
	if err != nil {
		t.Fatal(err)
	}
	hasty := open(t, url+"&lock_timeout=100", postgres.ReadWrite)
	if _, err := hasty.Append(ctx, l.Batch(1)); !errors.Is(err, eventstore.ErrLocked) {
		t.Errorf("append: %v", err)
	}
	if _, err := hasty.Begin(ctx, l.ID); !errors.Is(err, eventstore.ErrLocked) {
		t.Errorf("begin: %v", err)
	}
	// Another ledger is not locked.
	if _, err := hasty.Append(ctx, storetest.NewLedger(t, "QT").Batch(1)); err != nil {
		t.Error(err)
	}
	if _, err := lock.Append(ctx, storetest.NewLedger(t, "XX").Batch(1)); err == nil {
		t.Error("the lock of one ledger took an append to another")
	}
	if _, err := hasty.Append(ctx, l.Batch(1)); err != nil {
		t.Error(err)
	}
}

// TestHolderGone has a holder of the lock stop, as a process that hangs does: the server throws it out.
func TestHolderGone(t *testing.T) {
	url := pgtest.Database(t)
	ctx := t.Context()
	s, l := open(t, url, postgres.Create), storetest.NewLedger(t, "KH")
	if _, err := s.Append(ctx, l.Batch(1)); err != nil {
		t.Fatal(err)
	}
	l.Committed()
	lock, err := open(t, url+"&idle_in_transaction_session_timeout=100", postgres.ReadWrite).Lock(ctx, l.ID)
	if err != nil {
		t.Fatal(err)
	}
	next, err := s.Lock(ctx, l.ID) // waits until the other is out
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Append(ctx, l.Batch(1)); err == nil || errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("append of a holder that was thrown out: %v", err)
	}
	if _, err := next.Append(ctx, l.Batch(1)); err != nil {
		t.Error(err)
	}
}
