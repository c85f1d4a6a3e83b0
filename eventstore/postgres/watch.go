package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// How an append that waits for a ledger looks at who holds it. A holder whose process hangs, or whose connection was cut
// without a word, is thrown out by idle_in_transaction_session_timeout, but not in the middle of a COPY or of a pipeline,
// where the server waits for the rest of it and calls the session active.
const (
	watchAfter  = 4 * time.Second
	watchEvery  = time.Second
	silentAfter = `7 s`
)

// A watch throws out who holds what a session waits for and has fallen silent.
type watch struct {
	waiter atomic.Uint32 // the session's process on the server, 0 before there is one
	stop   func()
}

// A blocker is what a session in the way was doing.
type blocker struct {
	pid   int32
	since time.Time // when it began
	bytes int64     // that its COPY has read
}

// watch begins to watch once somebody has waited for a while.
func (s *Store) watch(ctx context.Context) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{}
	timer := time.AfterFunc(watchAfter, func() {
		var before []blocker
		for ctx.Err() == nil {
			// What cannot be seen, or not be ended, ends by the server's own limits.
			before, _ = s.endSilent(ctx, w.waiter.Load(), before)
			select {
			case <-ctx.Done():
			case <-time.After(watchEvery):
			}
		}
	})
	w.stop = func() {
		timer.Stop()
		cancel()
	}
	return w
}

// endSilent ends the sessions of this role that a session waits for, when the server has waited for long for theirs to say something and
// they did not since the look before. It returns those that it found.
func (s *Store) endSilent(ctx context.Context, waiter uint32, before []blocker) ([]blocker, error) {
	const (
		find = `SELECT a.pid, greatest(a.query_start, a.state_change), coalesce(c.bytes_processed, 0)
			FROM unnest(pg_blocking_pids($1)) AS b (pid)
			JOIN pg_stat_activity a ON a.pid = b.pid
			LEFT JOIN pg_stat_progress_copy c ON c.pid = a.pid
			WHERE a.datname = current_database() AND a.usename = current_user AND a.wait_event_type = 'Client'
				AND clock_timestamp() - greatest(a.query_start, a.state_change) > INTERVAL '` + silentAfter + `'`
		end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE pid = $1 AND greatest(query_start, state_change) = $2 AND wait_event_type = 'Client'`
	)
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	var found []blocker
	err := each(ctx, s.read, find, []any{int32(waiter)}, func(rows pgx.Rows) error {
		var b blocker
		err := rows.Scan(&b.pid, &b.since, &b.bytes)
		found = append(found, b)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, b := range found {
		for _, was := range before {
			if b.pid == was.pid && b.since.Equal(was.since) && b.bytes == was.bytes {
				if _, err := s.read.Exec(ctx, end, b.pid, b.since); err != nil {
					return found, err
				}
			}
		}
	}
	return found, nil
}
