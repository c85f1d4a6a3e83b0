//go:build unix

package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is a running postmaster.
type process struct {
	pid  int
	done chan struct{} // closed when it ended
	err  error         // how it ended, once done is closed
}

// spawn starts a program and waits for it in the background. The thread that started it stays for as long as it runs: on Linux the
// signal at the parent's death is sent when the thread ends, not the process.
func spawn(cmd *exec.Cmd) (*process, error) {
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// signal asks the process to end, and waits until it did.
func (p *process) signal(sig syscall.Signal) error {
	if err := syscall.Kill(p.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal the server: %w", err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("the server does not stop within %s of %s", patience, sig)
	}
}

// kill kills the process and all its children, as the loss of power does: nobody gets to clean up. The postmaster is stopped first,
// so that it neither starts more of them nor sees the first die and tells the others.
func (p *process) kill() error {
	if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop the server: %w", err)
	}
	list, err := children(p.pid)
	if err != nil {
		return err
	}
	for _, pid := range append(list, p.pid) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill %d: %w", pid, err)
		}
	}
	<-p.done
	// The next server refuses to start while one of the old ones still has the shared memory.
	return await("the killed processes to be gone", func() (bool, error) {
		for _, pid := range list {
			if alive(pid) {
				return false, nil
			}
		}
		return true, nil
	})
}

// alive reports whether a process runs; one that only waits for its parent to notice its end does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	_, state, err := parent(pid)
	return err != nil || state != "Z"
}

// children lists the processes whose parent is pid.
func children(pid int) ([]int, error) {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return childrenByPS(pid)
	}
	var list []int
	for _, entry := range all {
		id, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if of, _, err := parent(id); err == nil && of == pid {
			list = append(list, id)
		}
	}
	return list, nil
}

// childrenByPS is for systems without /proc.
func childrenByPS(pid int) ([]int, error) {
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var list []int
	for line := range strings.Lines(string(out)) {
		var id, of int
		if _, err := fmt.Sscan(line, &id, &of); err == nil && of == pid {
			list = append(list, id)
		}
	}
	return list, nil
}

// parent reads who started a process, and its state, from /proc.
func parent(pid int) (of int, state string, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", err
	}
	// "PID (NAME) STATE PPID …", and the name may hold anything.
	_, err = fmt.Sscan(string(raw[strings.LastIndexByte(string(raw), ')')+1:]), &state, &of)
	return of, state, err
}

// patience is how long anything that a cluster does may take on a busy machine.
const patience = 2 * time.Minute

// await asks again and again until the answer is yes.
func await(what string, yes func() (bool, error)) error {
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		ok, err := yes()
		if ok {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("wait for %s: not within %s: %w", what, patience, err)
		}
		time.Sleep(pause)
	}
}
