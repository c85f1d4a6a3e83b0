package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/ledger"
)

// world is a database with one ledger, and the keyring beside it.
type world struct {
	t      *testing.T
	path   string
	keys   ledger.Keyring
	store  *sqlite.Store
	id     uuid.UUID
	source ledger.Source
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, path: filepath.Join(dir, "soquy.db"), keys: ledger.Keyring{Dir: filepath.Join(dir, "keys")}}
	w.source = seeded(1)
	store, err := sqlite.Open(w.path, sqlite.Options{Mode: sqlite.Create})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	w.store = store
	w.id, _, err = ledger.Create(t.Context(), store, w.source, ledger.Opening{
		Origin: "example.org/soquy/KH", Currency: "VND", TimeZone: "Asia/Ho_Chi_Minh", PublicKey: w.keys.Generate,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// seeded is a source that gives the same every time; its clock goes on by a second a command.
func seeded(seed byte) ledger.Source {
	now := time.Date(2017, 7, 1, 1, 2, 3, 0, time.UTC)
	return ledger.Source{
		Now:    func() time.Time { now = now.Add(time.Second); return now },
		Random: rand.NewChaCha8([32]byte{seed}), Given: true,
	}
}

func (w *world) options() ledger.Options {
	signer, err := w.keys.Signer("example.org/soquy/KH", w.public())
	if err != nil {
		w.t.Fatal(err)
	}
	return ledger.Options{Source: w.source, Signer: signer, HeadFile: w.keys}
}

// public is the key that signs the ledger's heads now.
func (w *world) public() string {
	w.t.Helper()
	key, err := ledger.PublicKey(w.t.Context(), w.store, w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	return key
}

func (w *world) open() *ledger.Ledger {
	w.t.Helper()
	l, err := ledger.Open(w.t.Context(), w.store, w.id, w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// another opens the ledger a second time, as another process does.
func (w *world) another() *ledger.Ledger {
	w.t.Helper()
	store, err := sqlite.Open(w.path, sqlite.Options{Mode: sqlite.ReadWrite})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { store.Close() })
	l, err := ledger.Open(w.t.Context(), store, w.id, w.live())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { l.Close() })
	return l
}

// live are options with the machine's own clock and randomness, and without a head file.
func (w *world) live() ledger.Options {
	o := w.options()
	o.Source, o.HeadFile = ledger.System(), nil
	return o
}

func parse(t *testing.T, line string) ledger.Request {
	t.Helper()
	var p ledger.Parser
	req, err := p.Parse([]byte(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return req
}

func do(t *testing.T, l *ledger.Ledger, line string) ledger.Answer {
	t.Helper()
	a, err := l.Do(t.Context(), parse(t, line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return a
}

func accept(t *testing.T, l *ledger.Ledger, line string) ledger.Answer {
	t.Helper()
	a := do(t, l, line)
	if a.Refusal != nil {
		t.Fatalf("%s: %v", line, a.Refusal)
	}
	return a
}

func cmd(name, data string) string {
	return fmt.Sprintf(`{"type":%q,"effective_on":"2017-03-05","data":%s}`, name, data)
}

// found makes a unit, a fund and a donor.
func found(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	accept(t, l, cmd("register_unit", `{"code":"X","level":"commune","name":"Xã"}`))
	accept(t, l, cmd("open_fund", `{"code":"HB","unit":"X","name":"Quỹ"}`))
	accept(t, l, cmd("register_donor", `{"code":"CTY","kind":"organisation","name":"Công ty"}`))
}

const donate = `{"fund":"HB","donor":"CTY","lines":[{"asset":"cash","amount":"500000"}]}`

func (w *world) head() transparency.Checkpoint {
	w.t.Helper()
	head, err := w.store.Head(w.t.Context(), w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := transparency.OpenCheckpoint(head.Note, w.public())
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestAnswers(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	defer l.Close()
	found(t, l)
	a := accept(t, l, cmd("receive_donation", donate))
	got := string(a.AppendJSON(nil, 4, nil))
	want := fmt.Sprintf(`{"line":4,"command":%q,"positions":[5,5],"events":[%q],"vouchers":[{"unit":"X","number":"PT-2017-000001"}]}`, a.Command, a.Events[0])
	if got != want {
		t.Errorf("answer\n%s\nwant\n%s", got, want)
	}
	refused := do(t, l, cmd("record_expense", `{"fund":"HB","asset":"cash","amount":"500001","purpose":"travel"}`))
	got = string(refused.AppendJSON(nil, 5, func(*domain.Refusal) string { return "không đủ" }))
	want = fmt.Sprintf(`{"line":5,"command":%q,"refused":{"code":"holding.insufficient","args":{"fund":"HB","asset":"cash","day":"2017-03-05","available":"500000","asked":"500001"},"message":"không đủ"}}`, refused.Command)
	if got != want {
		t.Errorf("answer\n%s\nwant\n%s", got, want)
	}
	counted := accept(t, l, cmd("count_holding", `{"fund":"HB","asset":"cash","counted":"499000"}`))
	if counted.Difference != "-1000" {
		t.Errorf("difference %q", counted.Difference)
	}
	if again := accept(t, l, cmd("settle_count", fmt.Sprintf(`{"count":%q}`, counted.Events[0]))); len(again.Vouchers) != 0 {
		t.Errorf("a settled count took vouchers %v", again.Vouchers)
	}
	if r := do(t, l, cmd("settle_count", fmt.Sprintf(`{"count":%q}`, counted.Events[0]))).Refusal; r == nil || r.Code != domain.CountIsSettled {
		t.Errorf("settled twice: %v", r)
	}
	closed := accept(t, l, `{"type":"close_period","effective_on":"2017-07-01","data":{"through":"2017-06-30"}}`)
	if closed.Open == nil || *closed.Open != (ledger.OpenCounts{}) {
		t.Errorf("open %v", closed.Open)
	}
	if r := do(t, l, cmd("receive_donation", donate)).Refusal; r == nil || r.Code != domain.DateClosed {
		t.Errorf("recorded in a closed period: %v", r)
	}
}

func TestRepeat(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	defer func() { l.Close() }()
	found(t, l)
	const id = "01970000-0000-7000-8000-000000000001"
	line := `{"id":"` + id + `","type":"register_person","effective_on":"2017-03-05","remark":"r","data":{"kind":"student","personal":{"name":"Lò"}}}`
	first := accept(t, l, line)
	for range 2 { // live, and after a start
		again := accept(t, l, line)
		if !again.Repeat {
			t.Error("the repeat was carried out")
		}
		if diff := cmp.Diff(first.AppendJSON(nil, 1, nil), again.AppendJSON(nil, 1, nil)); diff != "" {
			t.Errorf("the repeat's answer differs:\n%s", diff)
		}
		for _, other := range []string{
			strings.Replace(line, "Lò", "Vàng", 1),
			strings.Replace(line, `"remark":"r"`, `"remark":"s"`, 1),
			strings.Replace(line, `"remark":"r",`, ``, 1),
			strings.Replace(line, `"student"`, `"teacher"`, 1),
			strings.Replace(line, `03-05`, `03-06`, 1),
		} {
			if r := do(t, l, other).Refusal; r == nil || r.Code != domain.CommandReused {
				t.Errorf("%s: %v, want command.reused", other, r)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = w.open()
	}
}

func TestRepeatInOneBatch(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	defer l.Close()
	found(t, l)
	line := `{"id":"01970000-0000-7000-8000-000000000002","type":"receive_donation","effective_on":"2017-03-05","data":` + donate + `}`
	var receipts []*ledger.Receipt
	for i := range 200 {
		text := line
		if i%10 == 9 {
			text = strings.Replace(line, "500000", "500001", 1)
		}
		r, err := l.Submit(t.Context(), parse(t, text), len(text))
		if err != nil {
			t.Fatal(err)
		}
		receipts = append(receipts, r)
	}
	fresh := 0
	for i, r := range receipts {
		a, err := r.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch reused := a.Refusal != nil && a.Refusal.Code == domain.CommandReused; {
		case i%10 == 9 && !reused:
			t.Errorf("other content was not refused: %v", a.String())
		case i%10 != 9 && a.Refusal != nil:
			t.Errorf("repeat refused: %v", a.Refusal)
		case i%10 != 9 && !a.Repeat:
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("carried out %d times", fresh)
	}
}

// The same commands make the same bytes, however they are batched and however often the writer starts again.
func TestDeterminism(t *testing.T) {
	roots := map[string]transparency.Checkpoint{}
	for _, how := range []string{"one by one", "all at once", "restarted"} {
		w := newWorld(t)
		l := w.open()
		found(t, l)
		var receipts []*ledger.Receipt
		for i := range 700 {
			line := cmd("receive_donation", strings.Replace(donate, "500000", fmt.Sprint(1000+i), 1))
			if i%7 == 3 {
				line = cmd("record_expense", `{"fund":"HB","asset":"cash","amount":"999999999","purpose":"travel"}`)
			}
			if i%50 == 20 {
				line = strings.Replace(line, `"data"`, `"remark":"ghi chú","data"`, 1)
			}
			r, err := l.Submit(t.Context(), parse(t, line), 0)
			if err != nil {
				t.Fatal(err)
			}
			if how != "all at once" {
				if _, err := r.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			receipts = append(receipts, r)
			if how == "restarted" && i%100 == 50 {
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				l = w.open()
			}
		}
		for _, r := range receipts {
			if _, err := r.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		// The key is drawn from the machine, so that only the tree is compared.
		roots[how] = w.head()
	}
	if roots["one by one"].Size != roots["all at once"].Size || roots["restarted"].Size != roots["all at once"].Size {
		t.Errorf("sizes differ: %v", roots)
	}
}

func TestRefusesWhatItCannotVouchFor(t *testing.T) {
	ctx := context.Background()
	setup := func(t *testing.T) *world {
		w := newWorld(t)
		l := w.open()
		found(t, l)
		for range 300 {
			accept(t, l, cmd("receive_donation", donate))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return w
	}
	expect := func(t *testing.T, w *world, opt ledger.Options, check func(error) bool) {
		t.Helper()
		l, err := ledger.Open(ctx, w.store, w.id, opt)
		if err == nil {
			l.Close()
			t.Fatal("opened")
		}
		if !check(err) {
			t.Errorf("error %v", err)
		}
	}
	isIntegrity := func(err error) bool {
		var e *ledger.IntegrityError
		return errors.As(err, &e)
	}
	t.Run("another key", func(t *testing.T) {
		w := setup(t)
		opt := w.options()
		skey, _, err := transparency.GenerateKey(rand.NewChaCha8([32]byte{9}), "example.org/soquy/KH")
		if err != nil {
			t.Fatal(err)
		}
		if opt.Signer, err = note.NewSigner(skey); err != nil {
			t.Fatal(err)
		}
		expect(t, w, opt, func(err error) bool { return errors.Is(err, ledger.ErrWrongKey) })
	})
	t.Run("a rolled back database", func(t *testing.T) {
		w := setup(t)
		opt := w.options()
		signed, err := transparency.SignCheckpoint(transparency.Checkpoint{Origin: "example.org/soquy/KH", Size: 1_000, Root: transparency.Hash{1}}, opt.Signer)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.keys.SaveHead("example.org/soquy/KH", signed); err != nil {
			t.Fatal(err)
		}
		expect(t, w, opt, func(err error) bool { return errors.Is(err, ledger.ErrRolledBack) })
	})
	t.Run("another history", func(t *testing.T) {
		w := setup(t)
		opt := w.options()
		signed, err := transparency.SignCheckpoint(transparency.Checkpoint{Origin: "example.org/soquy/KH", Size: 304, Root: transparency.Hash{1}}, opt.Signer)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.keys.SaveHead("example.org/soquy/KH", signed); err != nil {
			t.Fatal(err)
		}
		expect(t, w, opt, isIntegrity)
	})
	for name, tamper := range map[string]string{
		"an envelope":    `UPDATE events SET envelope = CAST(replace(CAST(envelope AS TEXT), '500000', '500001') AS BLOB) WHERE position = 100`,
		"the last event": `DELETE FROM events WHERE position = 304`,
		"the tree":       `UPDATE ledgers SET tree = zeroblob(length(tree))`,
		"the note":       `UPDATE ledgers SET note = CAST(replace(CAST(note AS TEXT), 'KH', 'KX') AS BLOB)`,
		"a tile":         `UPDATE tiles SET hashes = zeroblob(8192)`,
	} {
		t.Run(name, func(t *testing.T) {
			w := setup(t)
			err := w.store.Write(ctx, func(ctx context.Context, tx sqlTx) error {
				for _, statement := range append(dropTriggers, tamper) {
					if _, err := tx.ExecContext(ctx, statement); err != nil {
						return fmt.Errorf("%s: %w", statement, err)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			expect(t, w, w.options(), func(err error) bool { return isIntegrity(err) || errors.Is(err, eventstore.ErrCorrupt) })
		})
	}
}

func TestForget(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	defer l.Close()
	found(t, l)
	const first, second = "01970000-0000-7000-8000-000000000011", "01970000-0000-7000-8000-000000000012"
	for _, id := range []string{first, second} {
		accept(t, l, cmd("register_person", `{"person":"`+id+`","kind":"student","personal":{"name":"Lò Thị An"}}`))
	}
	accept(t, l, cmd("correct_person", `{"person":"`+first+`","personal":{"name":"Lò Thị Ánh"}}`))
	accept(t, l, strings.Replace(cmd("merge_person", `{"person":"`+second+`","into":"`+first+`"}`), `"data"`, `"remark":"một người","data"`, 1))
	count := func() int {
		n := 0
		if err := w.store.AllPrivate(t.Context(), w.id, func(eventstore.Private) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != 4 {
		t.Fatalf("%d private texts, want 4", n)
	}
	accept(t, l, cmd("receive_donation", donate))
	accept(t, l, cmd("grant", `{"kind":"merit_award","fund":"HB","asset":"cash","pay":true,"recipients":[{"person":"`+second+`","amount":"1000"}]}`))
	erase := cmd("erase_person", `{"person":"`+first+`","override":true}`)
	if r := do(t, l, erase).Refusal; r == nil || r.Code != domain.PersonRetained || r.Arg("until") != "2027-12-31" {
		t.Errorf("erased without a remark: %v", r)
	}
	accept(t, l, strings.Replace(erase, `"data"`, `"remark":"theo yêu cầu","data"`, 1))
	if n := count(); n != 1 {
		t.Errorf("%d private texts are left, want the reason only", n)
	}
	if r := do(t, l, cmd("correct_person", `{"person":"`+second+`","personal":{"name":"x"}}`)).Refusal; r == nil || r.Code != domain.PersonIsErased {
		t.Errorf("an erased person was named: %v", r)
	}
	raw := &bytes.Buffer{}
	if err := w.store.Read(t.Context(), w.id, 1, 0, func(r *eventstore.Record) error { raw.Write(r.Envelope); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Lò Thị", "một người", "theo yêu cầu"} {
		if strings.Contains(raw.String(), text) {
			t.Errorf("%q is in the log", text)
		}
	}
}

func TestPreviewRecordsNothing(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	defer l.Close()
	found(t, l)
	before := w.head()
	p, a, err := l.Preview(t.Context(), parse(t, cmd("receive_donation", donate)))
	if err != nil || a.Refusal != nil {
		t.Fatal(err, a.Refusal)
	}
	want := []ledger.Holding{{Fund: "HB", Asset: domain.Cash, After: domain.Balance{Posted: 500_000}}}
	if diff := cmp.Diff(want, p.Holdings); diff != "" {
		t.Errorf("holdings differ:\n%s", diff)
	}
	if after := w.head(); after != before {
		t.Errorf("the head moved from %v to %v", before, after)
	}
	if r := accept(t, l, cmd("receive_donation", donate)); r.Vouchers[0].Number != "PT-2017-000001" {
		t.Errorf("voucher %v", r.Vouchers)
	}
}

// An event of a newer version is refused by name, at a start and by a writer that comes upon it: nothing is skipped.
func TestNewerEvent(t *testing.T) {
	w := newWorld(t)
	running := w.open()
	found(t, running)
	head, err := w.store.Head(t.Context(), w.id)
	if err != nil {
		t.Fatal(err)
	}
	last := head.Position()
	var record eventstore.Record
	err = w.store.Read(t.Context(), w.id, last, last, func(r *eventstore.Record) error {
		record = *r
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	envelope := strings.Replace(string(record.Envelope), `"type":"donor.registered"`, `"type":"policy.set"`, 1)
	envelope = strings.Replace(envelope, fmt.Sprintf(`"position":%d`, last), fmt.Sprintf(`"position":%d`, last+1), 1)
	record.Position, record.Type, record.Envelope = last+1, "policy.set", []byte(envelope)
	record.ID[15]++
	edge := head.Edge.Clone()
	edge.Append(transparency.LeafHash(record.Envelope))
	_, err = w.store.Append(t.Context(), &eventstore.Batch{
		Ledger: w.id, Origin: origin, After: last, Records: []eventstore.Record{record}, Edge: edge,
		Sign: func() ([]byte, error) {
			return transparency.SignCheckpoint(transparency.Checkpoint{Origin: origin, Size: last + 1, Root: edge.Root()}, w.options().Signer)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	isNewer := func(err error) bool {
		var newer *eventcodec.UnknownTypeError
		return errors.As(err, &newer) && newer.Type == "policy.set"
	}
	if _, err := running.Do(t.Context(), parse(t, cmd("receive_donation", donate))); !isNewer(err) {
		t.Errorf("a running writer: %v", err)
	}
	if err := running.Close(); !isNewer(err) {
		t.Errorf("its end: %v", err)
	}
	if _, err := ledger.Open(t.Context(), w.store, w.id, w.options()); !isNewer(err) {
		t.Errorf("a start: %v", err)
	}
	if now := w.head(); now.Size != last+1 {
		t.Errorf("the log ends at %d, was %d", now.Size, last+1)
	}
}

func TestEnvelopeTooLong(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	defer l.Close()
	found(t, l)
	// 50 lines with long texts; the first one's is n characters.
	gift := func(n int) string {
		var lines []string
		for i := range 50 {
			text := strings.Repeat("ệ", 217)
			if i == 0 {
				text = strings.Repeat("x", n)
			}
			lines = append(lines, fmt.Sprintf(`{"asset":"goods:VO%d","amount":"1","quantity":"1","measure":%q,"valued_by":%q}`, i, strings.Repeat("ế", 193), text))
		}
		return `{"fund":"HB","donor":"CTY","lines":[` + strings.Join(lines, ",") + `]}`
	}
	tooLong := func(n int) (over int) {
		t.Helper()
		head := w.head()
		r := do(t, l, cmd("receive_donation", gift(n))).Refusal
		if r == nil || r.Code != domain.ListTooLong {
			t.Fatalf("got %v, want list.too_long", r)
		}
		if now := w.head(); now != head {
			t.Error("something was stored")
		}
		size, err := strconv.Atoi(r.Args[2].Value)
		if err != nil {
			t.Fatal(err)
		}
		return size - eventstore.MaxEnvelope
	}
	n := 500
	n -= tooLong(n)
	if over := tooLong(n + 1); over != 1 {
		t.Errorf("one more is %d too many", over)
	}
	a := accept(t, l, cmd("receive_donation", gift(n)))
	longest, err := w.store.Event(t.Context(), w.id, a.Events[0])
	if err != nil || len(longest.Envelope) != eventstore.MaxEnvelope {
		t.Errorf("the envelope has %d bytes, %v", len(longest.Envelope), err)
	}
	// What can be recorded can be undone.
	accept(t, l, cmd("reverse", fmt.Sprintf(`{"event":%q}`, a.Events[0])))
}

// Two writers on one file: each reads what the other appended, and nothing is lost or doubled.
func TestTwoWriters(t *testing.T) {
	w := newWorld(t)
	one := w.open()
	defer one.Close()
	found(t, one)
	two := w.another()
	seen := map[int64]bool{}
	for i := range 60 {
		l := one
		if i%3 == 0 {
			l = two
		}
		a := accept(t, l, cmd("receive_donation", donate))
		if seen[a.First] {
			t.Fatalf("position %d was given twice", a.First)
		}
		seen[a.First] = true
		if want := fmt.Sprintf("PT-2017-%06d", i+1); a.Vouchers[0].Number != want {
			t.Fatalf("voucher %s, want %s", a.Vouchers[0].Number, want)
		}
	}
}
