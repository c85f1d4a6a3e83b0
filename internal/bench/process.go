package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// starts measures processes of their own: from the start to the first accepted command, with the latest snapshot of the book and with none,
// and how much memory they have.
func (b *bench) starts(ctx context.Context, h *history) error {
	_, on := afterHalfYear()
	line := fmt.Sprintf(`{"type":"receive_donation","effective_on":"%s","data":{"fund":"Q.%s","donor":"%s","lines":[{"asset":"cash","amount":"100000"}]}}`+"\n",
		on, root, donorCode(0))
	for range b.plan.Passes {
		begin := time.Now()
		for _, from := range []string{"", "-replay"} {
			if from != "" {
				if err := b.raw.forget(ctx, originHistory); err != nil {
					return fmt.Errorf("delete the snapshots: %w", err)
				}
			}
			p, err := b.process(ctx, line)
			if err != nil {
				return fmt.Errorf("run soquy record: %w", err)
			}
			args := b.size(b.plan.Large)
			if b.wants("start") {
				b.f.add(Row{Measure: "start" + from, Text: "start" + from, Args: args, Unit: seconds}, p.start.Seconds())
			}
			if b.wants("memory") && p.resident > 0 {
				b.f.add(Row{Measure: "memory" + from, Text: "memory" + from, Args: args, Unit: megabytes}, float64(p.resident)/1e6)
				b.f.add(Row{Measure: "memory" + from + "-peak", Text: "memory" + from, Args: args, Stat: "peak", Unit: megabytes}, float64(p.peak)/1e6)
			}
		}
		if b.enough(time.Since(begin)) {
			break
		}
	}
	return nil
}

// process is what one process did.
type process struct {
	start          time.Duration // until its first command was accepted
	resident, peak int64         // bytes, after some more commands; 0 where the system does not tell
}

// process starts a process, gives it a line, and then some more.
func (b *bench) process(ctx context.Context, line string) (p process, err error) {
	cmd, err := b.soquy.Process(ctx, originHistory)
	if err != nil {
		return p, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return p, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return p, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return p, err
	}
	defer func() {
		if err = errors.Join(err, in.Close(), cmd.Wait()); err != nil && stderr.Len() > 0 {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(stderr.Bytes()))
		}
	}()
	answers := bufio.NewReaderSize(out, 64<<10)
	if err := exchange(in, answers, line, 1); err != nil {
		return p, err
	}
	p.start = time.Since(begin)
	if !b.wants("memory") {
		return p, nil
	}
	if err := exchange(in, answers, line, b.plan.Recorded); err != nil {
		return p, err
	}
	p.resident, p.peak, err = memory(cmd)
	return p, err
}

// exchange gives a line some times and reads the answers.
func exchange(in io.Writer, answers *bufio.Reader, line string, times int) error {
	written := make(chan error, 1)
	go func() {
		w := bufio.NewWriterSize(in, 64<<10)
		for range times {
			if _, err := w.WriteString(line); err != nil {
				written <- err
				return
			}
		}
		written <- w.Flush()
	}()
	for range times {
		answer, err := answers.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		if !bytes.Contains(answer, []byte(`"positions":[`)) {
			return fmt.Errorf("refused: %s", bytes.TrimSpace(answer))
		}
	}
	return <-written
}

// memory asks Linux how much memory a process has and had at most, in bytes; 0 elsewhere.
func memory(cmd *exec.Cmd) (resident, peak int64, err error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
	if errors.Is(err, os.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(status) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		var into *int64
		switch string(name) {
		case "VmRSS":
			into = &resident
		case "VmHWM":
			into = &peak
		default:
			continue
		}
		kilobytes, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(value), []byte("kB")))), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read %s of the process: %w", name, err)
		}
		*into = kilobytes << 10
	}
	return resident, peak, nil
}
