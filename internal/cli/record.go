package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/ledger"
)

func (p *program) recordCommand() *command {
	var actor string
	c := p.command("record", "record FILE").takes(1, 1, nil).text(&actor, "actor")
	c.ValidArgsFunction = nil // the shell completes the file
	return c.runs(func(ctx context.Context, args []string) error { return p.record(ctx, args[0], actor) })
}

// record submits the commands of a file, or with "-" of the standard input, and prints their answers.
func (p *program) record(ctx context.Context, path, actor string) (err error) {
	if actor != "" && !domain.ValidCode(actor) {
		return usage("code", "name", "--actor", "value", actor)
	}
	in, size := p.in, int64(0)
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return fileFailure(path, err)
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		in = file
	}
	w, err := p.writer(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closed := w.Close(); err == nil {
			err = closed
		}
	}()
	p.cat = p.cat.In(w.Currency().Code)

	var b *bar
	if size > 0 && !isTerminal(p.stdout) { // else the bar would stand among the answers
		b = p.bar(p.t("progress.record"))
		defer b.done()
	}
	r := &recording{
		p: p, actor: actor, submit: w.Ledger().Submit,
		in: bufio.NewReaderSize(&counter{r: in, total: size, bar: b}, 1<<20), path: path,
		room: semaphore.NewWeighted(roomForLines), queue: make(chan inFlight, maxInFlight),
	}
	return r.run(ctx)
}

// counter tells a bar how much was read.
type counter struct {
	r           io.Reader
	done, total int64
	bar         *bar
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if c.done += int64(n); c.total > 0 {
		c.bar.set(c.done, c.total)
	}
	return n, err
}

// Limits of what record reads ahead, so that its memory does not grow with the input.
const (
	maxInFlight  = 4_096    // commands
	roomForLines = 32 << 20 // bytes of their lines; a longer one waits until it is alone
)

// inFlight is a line that was read and waits for its answer.
type inFlight struct {
	line    int64
	size    int64
	receipt *ledger.Receipt
	body    domain.CommandBody // nil when it could not be read
}

// recording is one run of record: one goroutine reads and submits, another prints the answers in order.
type recording struct {
	p      *program
	actor  string
	path   string
	in     *bufio.Reader
	submit func(context.Context, ledger.Request, int) (*ledger.Receipt, error)
	room   *semaphore.Weighted
	queue  chan inFlight

	waiting atomic.Bool   // for input: nothing that was submitted is missing from the queue
	gone    chan struct{} // nobody takes from the queue any more
	refused bool
}

func (r *recording) run(ctx context.Context) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	r.gone = make(chan struct{})
	defer close(r.gone)
	failed := make(chan error, 1)
	go func() {
		defer close(r.queue)
		failed <- r.read(reading)
	}()
	if err := r.answer(ctx); err != nil {
		return err // the reader may hang in a read of the input; it submits nothing more
	}
	if err := <-failed; err != nil {
		return err
	}
	if r.refused {
		return exitError(ExitRefused)
	}
	return nil
}

// read reads lines, and submits each while those before it are being recorded.
func (r *recording) read(ctx context.Context) error {
	var (
		parser ledger.Parser
		lines  = lineReader{in: r.in, limit: ledger.MaxLine}
	)
	for n := int64(1); ; n++ {
		r.waiting.Store(true)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		line, err := lines.next()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.waiting.Store(false)
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, errLineTooLong) {
			return fileFailure(r.path, err)
		}
		if err == nil && blank(line) {
			continue
		}
		item := inFlight{line: n, size: min(int64(len(line)), roomForLines)}
		if err := r.room.Acquire(ctx, item.size); err != nil {
			return err
		}
		if err != nil {
			item.receipt = ledger.Refused(uuid.Nil, domain.Refuse(domain.CommandMalformed, "", "line over 32 MiB"))
		} else if item.receipt, item.body, err = r.take(ctx, &parser, line); err != nil {
			return err
		}
		select {
		case r.queue <- item:
		case <-r.gone:
			return context.Canceled
		}
	}
}

// take parses one line and submits it.
func (r *recording) take(ctx context.Context, parser *ledger.Parser, line []byte) (*ledger.Receipt, domain.CommandBody, error) {
	req, err := parser.Parse(line)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) {
		return ledger.Refused(req.ID, refusal), req.Body, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if req.Actor == "" {
		req.Actor = r.actor
	}
	receipt, err := r.submit(ctx, req, len(line))
	return receipt, req.Body, err
}

// answer prints the answers in the order of the input. What was printed is written out before anything is waited for, so that an answer
// reaches whoever waits for it before giving the next line. When the program is interrupted, what was submitted is still answered, since it
// will be recorded.
func (r *recording) answer(ctx context.Context) error {
	var (
		buf  []byte
		body domain.CommandBody // of the answer that is being printed
	)
	words := func(refusal *domain.Refusal) string { return r.p.refusal(refusal, body, nil) }
	flush := func() error {
		if err := r.p.out.Flush(); err != nil {
			return r.p.outputFailed(err)
		}
		return nil
	}
	for {
		item, more, err := r.next(ctx, flush)
		if err != nil || !more {
			return errors.Join(err, flush())
		}
		if !item.receipt.Ready() {
			if err := flush(); err != nil {
				return err
			}
		}
		a, err := item.receipt.Wait(context.WithoutCancel(ctx))
		if err != nil {
			return errors.Join(err, flush())
		}
		r.room.Release(item.size)
		r.refused = r.refused || a.Refusal != nil
		body = item.body
		buf = append(a.AppendJSON(buf[:0], item.line, words), '\n')
		if err := r.p.write(buf); err != nil {
			return err
		}
	}
}

// next returns the next line in flight, and not more when there is none any more.
func (r *recording) next(ctx context.Context, flush func() error) (item inFlight, more bool, err error) {
	select {
	case item, more = <-r.queue:
		return item, more, nil
	default:
	}
	if err := flush(); err != nil {
		return item, false, err
	}
	select {
	case item, more = <-r.queue:
		return item, more, nil
	case <-ctx.Done():
	}
	if !r.waiting.Load() { // the reader will see that it is over, and say so
		item, more = <-r.queue
		return item, more, nil
	}
	select { // it may hang in a read
	case item, more = <-r.queue:
		return item, more, nil
	default:
		return item, false, ctx.Err()
	}
}

// errLineTooLong says that a line is over the limit; it was skipped.
var errLineTooLong = errors.New("line too long")

// A lineReader reads lines up to a limit. A longer one is read over without being held in memory.
type lineReader struct {
	in    *bufio.Reader
	limit int
	begun bool
	buf   []byte
}

// next returns the next line without its end, good until the next call. Errors: io.EOF after the last line, errLineTooLong, and those
// of the input.
func (l *lineReader) next() ([]byte, error) {
	l.buf = l.buf[:0]
	if cap(l.buf) > 1<<20 {
		l.buf = nil // one huge line should not hold on to its memory for ever
	}
	tooLong := false
	for {
		part, err := l.in.ReadSlice('\n')
		if !l.begun {
			l.begun = true
			part = bytes.TrimPrefix(part, []byte("\ufeff"))
		}
		ended := err == nil
		if len(l.buf)+len(part) > l.limit+len("\r\n") {
			tooLong, l.buf = true, l.buf[:0]
		}
		if !tooLong {
			if ended && len(l.buf) == 0 {
				return l.trim(part)
			}
			l.add(part)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("read line: %w", err)
		case tooLong:
			return nil, errLineTooLong
		case err != nil && len(l.buf) == 0:
			return nil, io.EOF
		}
		return l.trim(l.buf)
	}
}

// add appends to the line, for which the room is doubled, unlike by append: a line may be of many parts.
func (l *lineReader) add(part []byte) {
	if need := len(l.buf) + len(part); need > cap(l.buf) {
		grown := make([]byte, len(l.buf), max(need, 2*len(l.buf)))
		copy(grown, l.buf)
		l.buf = grown
	}
	l.buf = append(l.buf, part...)
}

// trim takes the end off a line.
func (l *lineReader) trim(line []byte) ([]byte, error) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) > l.limit {
		return nil, errLineTooLong
	}
	return line, nil
}

func blank(line []byte) bool { return len(bytes.Trim(line, " \t\r")) == 0 }
