//go:build unix

package torture_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// The binary that is tortured, and for how long; set once by TestMain.
var (
	binary string
	long   bool
	rounds int
	seed   uint64
)

func TestMain(m *testing.M) {
	flag.BoolVar(&long, "torture", os.Getenv("SOQUY_TORTURE") != "", "run at length, as SOQUY_TORTURE=1 does")
	flag.IntVar(&rounds, "torture.rounds", atoi(os.Getenv("SOQUY_TORTURE_ROUNDS")), "rounds of each test that kills; 0: 10, at length 200")
	flag.Uint64Var(&seed, "torture.seed", uint64(time.Now().UnixNano()), "seed of the commands and of the random moments")
	flag.Parse()
	// Those that run beside each other mostly wait: for a server that starts, or for a time to be over.
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
	}
	os.Exit(run(m))
}

// atoi is 0 for what is no number.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func run(m *testing.M) int {
	if rounds == 0 {
		rounds = 10
		if long {
			rounds = 200
		}
	}
	dir, err := os.MkdirTemp("", "soquy-torture-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "soquy")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/soquy")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build soquy: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// during returns the short time, or at length the long one.
func during(short, atLength time.Duration) time.Duration {
	if long {
		return atLength
	}
	return short
}

// progress says how far a test is, at length only.
func progress(t *testing.T, round, of int) {
	if long {
		fmt.Fprintf(os.Stderr, "%s: round %d of %d\n", t.Name(), round, of)
	}
}
