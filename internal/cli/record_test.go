package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/sync/semaphore"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/internal/locale"
)

func TestLineReader(t *testing.T) {
	long := strings.Repeat("x", 40)
	for _, tt := range []struct {
		in   string
		want []string // "!" for a line that is too long
	}{
		{"", nil},
		{"a", []string{"a"}},
		{"a\n", []string{"a"}},
		{"a\nb", []string{"a", "b"}},
		{"a\r\nb\r\n", []string{"a", "b"}},
		{"\n\n", []string{"", ""}},
		{"\ufeffa\nb", []string{"a", "b"}},
		{"a\n\ufeffb", []string{"a", "\ufeffb"}},
		{long[:32] + "\n" + long[:33] + "\na", []string{long[:32], "!", "a"}},
		{long[:32] + "\r\n" + long + "\r\na", []string{long[:32], "!", "a"}},
		{"a\n" + long, []string{"a", "!"}},
		{"\ufeff" + long[:32] + "\n", []string{long[:32]}},
		{strings.Repeat("x", 1000) + "\nb\n", []string{"!", "b"}},
	} {
		r := lineReader{in: bufio.NewReaderSize(strings.NewReader(tt.in), 16), limit: 32}
		var got []string
		for {
			line, err := r.next()
			if err == io.EOF {
				break
			}
			if errors.Is(err, errLineTooLong) {
				line = []byte("!")
			} else if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(line))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: lines %q, want %q", tt.in, got, tt.want)
		}
	}
}

// refusing makes a recording of which every command is refused at once.
func refusing(in io.Reader, out io.Writer) *recording {
	p := &program{cat: locale.New(locale.English), out: bufio.NewWriter(out), backend: stub{}}
	return &recording{
		p: p, in: bufio.NewReader(in), path: "-",
		room: semaphore.NewWeighted(roomForLines), queue: make(chan inFlight, maxInFlight),
		submit: func(_ context.Context, req ledger.Request, _ int) (*ledger.Receipt, error) {
			return ledger.Refused(req.ID, domain.Refuse(domain.ReferenceUnknown, "actor", req.Actor)), nil
		},
	}
}

func TestRecordAnswersInOrder(t *testing.T) {
	const id = "01970000-0000-7000-8000-000000000001"
	in := "\ufeff\n" +
		`{"id":"` + id + `","type":"close_fund","effective_on":"2017-03-05","data":{"fund":"HB"}}` + "\r\n" +
		" \t\n" +
		"{not JSON\n" +
		`{"type":"close_fund","effective_on":"2017-03-05","actor":"b","data":{"fund":"HB"}}`
	var out bytes.Buffer
	r := refusing(strings.NewReader(in), &out)
	r.actor = "a"
	if err := r.run(t.Context()); err != exitError(ExitRefused) {
		t.Errorf("error %v", err)
	}
	want := `{"line":2,"command":"` + id + `","refused":{"code":"reference.unknown","args":{"kind":"actor","ref":"a"},"message":"There is no actor a."}}
{"line":4,"command":"","refused":{"code":"command.malformed","args":{"pointer":"","problem":"not JSON"},"message":"The command is malformed: not JSON."}}
{"line":5,"command":"","refused":{"code":"reference.unknown","args":{"kind":"actor","ref":"b"},"message":"There is no actor b."}}
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestRecordNothing(t *testing.T) {
	var out bytes.Buffer
	if err := refusing(strings.NewReader("\n \n"), &out).run(t.Context()); err != nil || out.Len() > 0 {
		t.Errorf("%v, %q", err, out.String())
	}
}

// repeated is an input of many times the same bytes.
type repeated struct {
	text []byte
	left int64
	at   int
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(int64(len(b)), r.left)], r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	r.left -= int64(n)
	return n, nil
}

func TestRecordTooLongLine(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	in := io.MultiReader(&repeated{text: bytes.Repeat([]byte("x"), 1<<16), left: 4 * ledger.MaxLine}, strings.NewReader("\n{}\n"))
	var out bytes.Buffer
	if err := refusing(in, &out).run(t.Context()); err != exitError(ExitRefused) {
		t.Errorf("error %v", err)
	}
	runtime.ReadMemStats(&after)
	lines := strings.Split(out.String(), "\n")
	want := `{"line":1,"command":"","refused":{"code":"command.malformed","args":{"pointer":"","problem":"line over 32 MiB"},"message":"The command is malformed: the line is over 32 MiB."}}`
	if len(lines) != 3 || lines[0] != want || !strings.HasPrefix(lines[1], `{"line":2,`) {
		t.Errorf("got\n%s", out.String())
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 3*ledger.MaxLine {
		t.Errorf("took %d MiB for a line of %d MiB", took>>20, 4*ledger.MaxLine>>20)
	}
}

// A failed output ends it, and so does a failure of the ledger; what was answered before stays.
func TestRecordFailures(t *testing.T) {
	line := `{"type":"close_fund","effective_on":"2017-03-05","data":{"fund":"HB"}}` + "\n"
	var failure *Failure
	err := refusing(&repeated{text: []byte(line), left: 1 << 22}, broken{io.ErrClosedPipe}).run(t.Context())
	if !errors.As(err, &failure) || failure.Code != "output.failed" {
		t.Errorf("error %v", err)
	}
	var out bytes.Buffer
	r := refusing(&repeated{text: []byte(line), left: 1 << 22}, &out)
	submit, n := r.submit, 0
	r.submit = func(ctx context.Context, req ledger.Request, size int) (*ledger.Receipt, error) {
		if n++; n > 3 {
			return nil, errNoDatabase
		}
		return submit(ctx, req, size)
	}
	if err := r.run(t.Context()); !errors.Is(err, errNoDatabase) || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("error %v after %q", err, out.String())
	}
}

// An answer is written out when the input has nothing more for now.
func TestRecordFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, give := io.Pipe()
		var out bytes.Buffer
		r := refusing(in, &out)
		done := make(chan error)
		go func() { done <- r.run(t.Context()) }()
		for i := range 3 {
			fmt.Fprintln(give, "{}")
			synctest.Wait()
			if got := strings.Count(out.String(), "\n"); got != i+1 {
				t.Errorf("%d answers after %d lines", got, i+1)
			}
		}
		give.Close()
		if err := <-done; err != exitError(ExitRefused) {
			t.Errorf("error %v", err)
		}
	})
}

// An interruption ends it while it waits for input, with every answer given.
func TestRecordInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, give := io.Pipe()
		var out bytes.Buffer
		r := refusing(in, &out)
		ctx, interrupt := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.run(ctx) }()
		fmt.Fprint(give, "{}\n{}\n{")
		synctest.Wait()
		interrupt()
		if err := <-done; !errors.Is(err, context.Canceled) || strings.Count(out.String(), "\n") != 2 {
			t.Errorf("error %v after %q", err, out.String())
		}
		give.Close()
	})
}
