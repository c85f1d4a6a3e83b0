//go:build unix

package torture_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/internal/cli"
)

// A follower reads a log from the position where it last stopped, again and again, and keeps what it saw.
type follower struct {
	name  string
	at    atomic.Int64
	polls int
	sum   hash.Hash
}

func newFollower(name string) *follower { return &follower{name: name, sum: sha256.New()} }

// saw takes the next event. It must be the one after the last.
func (f *follower) saw(position int64, envelope []byte) error {
	if last := f.at.Load(); position != last+1 {
		return fmt.Errorf("%s saw position %d after %d", f.name, position, last)
	}
	if !bytes.Contains(envelope, []byte(`"position":`+strconv.FormatInt(position, 10)+`,`)) {
		return fmt.Errorf("%s saw at position %d: %s", f.name, position, envelope)
	}
	f.sum.Write(envelope)
	f.sum.Write([]byte{'\n'})
	f.at.Add(1)
	return nil
}

// table polls the table itself, as somebody would who follows positions and knows nothing of heads: a row that becomes visible after
// one with a higher position is a gap.
func (f *follower) table(ctx context.Context, conn *pgx.Conn) error {
	const query = `SELECT position, envelope FROM soquy.events WHERE position > $1 ORDER BY position`
	rows, err := conn.Query(ctx, query, f.at.Load())
	if err != nil {
		return err
	}
	var (
		position int64
		envelope []byte
	)
	_, err = pgx.ForEachRow(rows, []any{&position, &envelope}, func() error { return f.saw(position, envelope) })
	return err
}

// log polls as soquy reads.
func (f *follower) log(ctx context.Context, r cli.Reader) error {
	return r.Events(ctx, f.at.Load()+1, "", func(envelope []byte) error { return f.saw(f.at.Load()+1, envelope) })
}

// process polls with a process of soquy a time.
func (f *follower) process(ctx context.Context, p program) error {
	cmd := p.command(ctx, "events", "--from", strconv.FormatInt(f.at.Load()+1, 10))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return cmd.Wait()
		}
		if err := f.saw(f.at.Load()+1, line[:len(line)-1]); err != nil {
			return errors.Join(err, cmd.Process.Kill(), cmd.Wait())
		}
	}
}

// TestNoEventIsSkipped polls without pause while four processes write, are refused, lose swaps, are killed, and lose their connections
// in the middle of an append. Every reader sees every position once, in order, and all see the same bytes.
func TestNoEventIsSkipped(t *testing.T) {
	t.Parallel()
	p := onPostgres(t)
	p.lossy = true
	r := p.prepare(t)
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	var (
		readers   sync.WaitGroup
		followers []*follower
	)
	follow := func(name string, poll func(f *follower) error) {
		f := newFollower(name)
		followers = append(followers, f)
		readers.Go(func() {
			for ; ctx.Err() == nil; f.polls++ {
				if err := poll(f); err != nil {
					t.Error(err)
					return
				}
			}
			if err := poll(f); err != nil { // what came since
				t.Error(err)
			}
		})
	}
	// Those who poll have no part in ctx: the last poll comes after its end.
	for i := range 2 {
		conn := p.connect(t)
		follow(fmt.Sprintf("table %d", i), func(f *follower) error { return f.table(t.Context(), conn) })
	}
	reader := p.reader(t)
	follow("log", func(f *follower) error { return f.log(t.Context(), reader) })
	follow("process", func(f *follower) error { return f.process(t.Context(), p) })

	random := rand.New(rand.NewPCG(seed, 2))
	super := p.connect(t)
	var writers [4]*session
	number, killed, cut := 0, 0, 0
	begin := func(i int) {
		c := r.client(number)
		c.spend = 2
		number++
		writers[i] = p.start(t, 32, c.next)
	}
	for i := range writers {
		begin(i)
	}
	for end := time.Now().Add(during(5*time.Second, time.Minute)); time.Now().Before(end) && !t.Failed(); {
		time.Sleep(time.Duration(random.Int64N(int64(400 * time.Millisecond)))) // until a random moment
		i := random.IntN(len(writers))
		if random.IntN(2) == 0 {
			// In the middle of an append, if one is under way. The process ends with a failure.
			const query = `SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
				WHERE datname = current_database() AND backend_xid IS NOT NULL LIMIT 1) s`
			var n int
			if err := super.QueryRow(t.Context(), query).Scan(&n); err != nil {
				t.Fatal(err)
			}
			cut += n
			for j, s := range writers {
				select {
				case err := <-s.read: // it is over
					s.read <- err
					s.end()
					s.wait(t)
					begin(j)
				default:
				}
			}
			continue
		}
		writers[i].kill(t)
		killed++
		begin(i)
	}
	for _, s := range writers {
		s.end()
		s.wait(t)
	}
	enough()
	readers.Wait()
	r.check(t, p)
	refused := 0
	for _, e := range r.entries {
		if e.refused != nil {
			refused++
		}
	}
	var head int64
	if err := super.QueryRow(t.Context(), `SELECT head_position FROM soquy.ledgers`).Scan(&head); err != nil {
		t.Fatal(err)
	}
	whole := newFollower("from the start")
	if err := whole.table(t.Context(), super); err != nil {
		t.Fatal(err)
	}
	if whole.at.Load() != head {
		t.Errorf("the table ends at %d, the head is %d", whole.at.Load(), head)
	}
	polls := ""
	for _, f := range followers {
		polls += fmt.Sprintf(" %s %d,", f.name, f.polls)
		if f.at.Load() != head || !bytes.Equal(f.sum.Sum(nil), whole.sum.Sum(nil)) {
			t.Errorf("%s saw %d of %d events, or other bytes", f.name, f.at.Load(), head)
		}
	}
	if killed == 0 || refused == 0 || cut == 0 {
		t.Errorf("%d kills, %d connections cut in an append and %d refusals: this proves little", killed, cut, refused)
	}
	t.Logf("%d events; %d processes killed, %d connections cut in an append, %d refusals; polls:%s", head, killed, cut, refused, polls)
}

// TestGapIsSeen: a follower does not overlook what the test is about.
func TestGapIsSeen(t *testing.T) {
	f := newFollower("f")
	for position, want := range []bool{1: true, 2: true} {
		if position == 0 {
			continue
		}
		if err := f.saw(int64(position), fmt.Appendf(nil, `{"position":%d,}`, position)); (err == nil) != want {
			t.Errorf("position %d: %v", position, err)
		}
	}
	for position, envelope := range map[int64]string{2: `{"position":2,}`, 4: `{"position":4,}`, 3: `{"position":4,}`} {
		if err := f.saw(position, []byte(envelope)); err == nil {
			t.Errorf("position %d with %s after 2 was taken", position, envelope)
		}
	}
}

// connect opens a connection to the program's database, as a superuser who is not soquy.
func (p program) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
