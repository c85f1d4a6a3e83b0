package sqlite_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/storetest"
)

// TestTx uses all of a joiner's transaction: statements inside a query, the same one among them; values of each type; and errors, after
// which the store goes on.
func TestTx(t *testing.T) {
	const (
		create  = `CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT, bytes BLOB) STRICT`
		insert  = `INSERT INTO notes VALUES (?, ?, ?)`
		double  = `UPDATE notes SET n = 10 * n WHERE n <= ?`
		numbers = `SELECT n FROM notes WHERE n > ? ORDER BY n`
		all     = `SELECT n, text, bytes FROM notes ORDER BY n`
	)
	stop := errors.New("stop")
	count := func(tx sqlite.Tx, above int, yield func(n int64) error) (list []int64, err error) {
		err = tx.Query(numbers, func(row []driver.Value) error {
			n := row[0].(int64)
			list = append(list, n)
			return yield(n)
		}, above)
		return list, err
	}
	none := func(int64) error { return nil }
	steps := []func(tx sqlite.Tx) error{
		func(tx sqlite.Tx) error {
			_, err := tx.Exec(create)
			return err
		},
		func(tx sqlite.Tx) error {
			for i := range 4 {
				if n, err := tx.Exec(insert, i+1, "tên", []byte{0, byte(i)}); err != nil || n != 1 {
					t.Errorf("insert: %d rows, %v", n, err)
				}
			}
			if _, err := tx.Exec(insert, int64(5), nil, nil); err != nil {
				t.Error(err)
			}
			if n, err := tx.Exec(double, 2); err != nil || n != 2 {
				t.Errorf("update: %d rows, %v", n, err)
			}
			return nil
		},
		func(tx sqlite.Tx) error {
			var inner [][]int64
			list, err := count(tx, 3, func(n int64) error {
				if n > 5 {
					return nil
				}
				if _, err := tx.Exec(insert, n+90, "in a query", nil); err != nil {
					return err
				}
				in, err := count(tx, 90, none)
				inner = append(inner, in)
				return err
			})
			if err != nil || !slices.Equal(list[:2], []int64{4, 5}) || len(inner) != 2 || !slices.Equal(inner[1], []int64{94, 95}) {
				t.Errorf("%d, %d, %v", list, inner, err)
			}
			if list, err := count(tx, 0, func(int64) error { return stop }); err != stop || len(list) != 1 {
				t.Errorf("stopped after %d with %v", list, err)
			}
			row := 0
			return tx.Query(all, func(got []driver.Value) error {
				want := [][]driver.Value{{int64(3), "tên", []byte{0, 2}}, {int64(4), "tên", []byte{0, 3}}, {int64(5), nil, nil}}
				if row < len(want) && !(got[0] == want[row][0] && got[1] == want[row][1] && slices.Equal(bytesOf(got[2]), bytesOf(want[row][2]))) {
					t.Errorf("row %d is %v", row, got)
				}
				row++
				return nil
			})
		},
		func(tx sqlite.Tx) error {
			_, err := tx.Exec(insert, 5, "again", nil)
			return err
		},
		func(tx sqlite.Tx) error {
			_, err := tx.Exec(`INSERT INTO nowhere VALUES (1)`)
			return err
		},
		func(tx sqlite.Tx) error {
			_, err := tx.Exec(`INSERT OR ROLLBACK INTO notes VALUES (5, 'again', NULL)`)
			return err
		},
		func(tx sqlite.Tx) error {
			_, err := tx.Exec(insert, 6, struct{}{}, nil)
			return err
		},
		func(tx sqlite.Tx) error {
			list, err := count(tx, 0, none)
			if !slices.Equal(list, []int64{3, 4, 5, 10, 20, 94, 95}) {
				t.Errorf("at the end there are %d", list)
			}
			return err
		},
	}
	var step func(tx sqlite.Tx) error
	s := open(t, filepath.Join(t.TempDir(), "x.db"), sqlite.Create, func(_ context.Context, tx sqlite.Tx, _ *eventstore.Batch) error {
		return step(tx)
	})
	l := storetest.NewLedger(t, "KH")
	fails := []int{3, 4, 5, 6}
	var i int
	for i, step = range steps {
		_, err := s.Append(t.Context(), l.Batch(1))
		if (err != nil) != slices.Contains(fails, i) {
			t.Fatalf("step %d: %v", i, err)
		}
		if err == nil {
			l.Committed()
		}
	}
}

func bytesOf(v driver.Value) []byte {
	b, _ := v.([]byte)
	return b
}
