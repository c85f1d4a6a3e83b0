//go:build unix

package torture_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/soquy/soquy/internal/cli"
)

// TestBackupBesideRecord copies an SQLite database in one process while another records in it, and restores each copy elsewhere. What is there is the
// log as it was at a moment, with all that was acknowledged before the copy began, and
// a copy that lacks something says how far it goes, and takes nothing.
func TestBackupBesideRecord(t *testing.T) {
	t.Parallel()
	copies := 3
	if long {
		copies = 50
	}
	p := onSQLite(t)
	r := p.prepare(t)
	s := p.start(t, 32, r.client(1).next)
	<-s.first
	folder := t.TempDir()
	var before []int64 // commands that were answered when a copy began
	for i := range copies {
		before = append(before, s.answers.Load())
		p.run(t, "", "backup", filepath.Join(folder, fmt.Sprintf("%d.db", i)))
	}
	after := s.answers.Load()
	s.end()
	s.succeeded(t)
	r.check(t, p)
	if after == before[0] {
		t.Errorf("nothing was recorded while %d copies were made", copies)
	}
	whole := p.run(t, "", "events")
	for i := range copies {
		there := onSQLite(t)
		// With the folder of keys, in which the head file knows of all that was recorded.
		if err := os.CopyFS(there.db+".keys", os.DirFS(p.db+".keys")); err != nil {
			t.Fatal(err)
		}
		there.run(t, "", "restore", filepath.Join(folder, fmt.Sprintf("%d.db", i)))
		events := there.run(t, "", "events")
		if !strings.HasPrefix(whole, events) {
			t.Errorf("copy %d is not the beginning of the log", i)
		}
		if n := int64(strings.Count(events, "\n")); n < before[i] {
			t.Errorf("copy %d has %d events, %d commands were answered before", i, n, before[i])
		}
		_, out, _ := there.try(t, "", "verify")
		if whole != events && !strings.Contains(out, "events were committed, the log has") {
			t.Errorf("verify of copy %d does not say how far it goes:\n%s", i, out)
		}
		const more = `{"type":"receive_donation","effective_on":"2017-03-05","data":{"fund":"HB","donor":"CTY","lines":[{"asset":"cash","amount":"1"}]}}`
		if exit, _, _ := there.try(t, more, "record", "-"); whole != events && exit != cli.ExitIntegrity {
			t.Errorf("recording in copy %d, which lacks events, ends with exit code %d", i, exit)
		}
	}
	t.Logf("%d copies while %d commands were answered", copies, after-before[0])
}
