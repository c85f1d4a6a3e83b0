package app_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/soquy/soquy/internal/cli"
)

// mixed records the history that has everything, and settles its count, so that its books can be closed.
func (s soquy) mixed(t *testing.T) {
	t.Helper()
	history, err := os.ReadFile("testdata/history.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, 0, "", "init", "--origin", "example.org/soquy/test")
	s.run(t, 1, string(history), "record", "-")
	var count struct{ ID string }
	if err := json.Unmarshal([]byte(s.run(t, 0, "", "events", "--type", "holding.counted")), &count); err != nil {
		t.Fatal(err)
	}
	s.run(t, 0, "", "settle", count.ID, "--on", "2017-06-30")
}

// head is where the ledger ends.
func (s soquy) head(t *testing.T) int64 {
	t.Helper()
	return ask(t, s, "balance").Position
}

// TestReplay: the log folded again, of the head and of moments of the past, and told event by event, on both databases.
func TestReplay(t *testing.T) {
	both(t, func(t *testing.T, s soquy) {
		s.mixed(t)
		head := s.head(t)
		type replayed struct {
			Position    int64
			Root        string
			OK          bool
			Projections []struct {
				Name, Digest string
				Live         *string
			}
			Answers []struct {
				Name string
				OK   bool
				Rows int
			}
		}
		replay := func(args ...string) (r replayed) {
			t.Helper()
			if err := json.Unmarshal([]byte(s.run(t, 0, "", append([]string{"replay", "--json"}, args...)...)), &r); err != nil {
				t.Fatal(err)
			}
			return r
		}
		now := replay()
		if !now.OK || now.Position != head || len(now.Answers) != 0 {
			t.Errorf("at the head: %+v", now)
		}
		for _, m := range now.Projections {
			if m.Live == nil || *m.Live != m.Digest {
				t.Errorf("%s: folded again %s, live %v", m.Name, m.Digest, m.Live)
			}
		}
		for _, to := range []int64{1, 12, 30, head - 1, head} {
			r := replay("--to", strconv.FormatInt(to, 10))
			if !r.OK || r.Position != to || len(r.Answers) != 3 {
				t.Errorf("through %d: %+v", to, r)
			}
			for i, m := range r.Projections {
				if m.Live != nil {
					t.Errorf("through %d: %s is compared with rows of another position", to, m.Name)
				}
				if to == head && m.Digest != now.Projections[i].Digest {
					t.Errorf("%s: %s and %s of one position", m.Name, m.Digest, now.Projections[i].Digest)
				}
			}
		}
		// A moment is a position, an instant or a day.
		var at struct {
			RecordedAt string `json:"recorded_at"`
		}
		lines := strings.Split(strings.TrimSpace(s.run(t, 0, "", "events")), "\n")
		if err := json.Unmarshal([]byte(lines[29]), &at); err != nil {
			t.Fatal(err)
		}
		if r := replay("--to", at.RecordedAt); r.Position < 30 || r.Position > head {
			t.Errorf("through %s: position %d", at.RecordedAt, r.Position)
		}
		if r := replay("--to", "2100-01-01"); r.Position != head {
			t.Errorf("through 2100: position %d", r.Position)
		}
		for _, step := range [][]string{nil, {"--step"}} {
			refused := func(code string, to string) {
				t.Helper()
				s.fails(t, cli.ExitRefused, code, "", append([]string{"replay", "--to", to}, step...)...)
			}
			refused("position.unknown", strconv.FormatInt(head+1, 10))
			refused("position.unknown", "9223372036854775807")
			refused("instant.too_early", "2001-01-01")
			refused("instant.too_early", "2001-01-01T00:00:00Z")
			for _, bad := range []string{"0", "-1", "yesterday", "2017-02-30", "99999999999999999999"} {
				s.fails(t, cli.ExitUsage, "usage.known_at", "", append([]string{"replay", "--to=" + bad}, step...)...)
			}
		}
		s.steps(t, head)
	})
}

// steps checks the walk: every event in order, in both languages, and balances after the last that are those of the ledger.
func (s soquy) steps(t *testing.T, head int64) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(s.run(t, 0, "", "replay", "--step", "--json")), "\n")
	if int64(len(lines)) != head+1 {
		t.Fatalf("%d lines, want a head and %d events", len(lines), head)
	}
	type after struct{ Posted, Encumbered, Available, Quantity string }
	left := map[string]after{}
	for i, line := range lines[1:] {
		var step struct {
			Position int64
			VI, EN   string
			Changes  []struct {
				Fund, Asset string
				After       after
			}
		}
		if err := json.Unmarshal([]byte(line), &step); err != nil {
			t.Fatal(err)
		}
		if step.Position != int64(i)+1 || step.VI == "" || step.EN == "" || step.VI == step.EN {
			t.Errorf("step %d: %s", i+1, line)
		}
		for _, c := range step.Changes {
			left[c.Fund+" "+c.Asset] = c.After
		}
	}
	want := map[string]after{}
	for _, b := range ask(t, s, "balance").Balances {
		want[b.Fund+" "+b.Asset] = after{b.Posted, b.Encumbered, b.Available, b.Quantity}
	}
	for holding, b := range want {
		if !strings.Contains(holding, "goods:") {
			b.Quantity = "0" // which balance leaves empty of money
		}
		if left[holding] != b {
			t.Errorf("%s: after the last step %v, the balance is %v", holding, left[holding], b)
		}
	}
	told := s.run(t, 0, "", "replay", "--step", "--to", "30")
	if n := len(regexp.MustCompile(`(?m)^[0-9]+  [0-9-]{10}  `).FindAllString(told, -1)); n != 30 {
		t.Errorf("%d events were told, want 30:\n%s", n, told)
	}
	if strings.Contains(told, "Enter") {
		t.Errorf("without a terminal it waits:\n%s", told)
	}
}

// TestReportIsMadeAgain: whatever is recorded after a report, and whoever signs, it is made again byte for byte; of another log it is
// refused. What comes after is drawn at random.
func TestReportIsMadeAgain(t *testing.T) {
	both(t, func(t *testing.T, s soquy) {
		s.mixed(t)
		s.run(t, 0, "", "period", "close", "--half", "2017-1")
		type made struct {
			args []string
			text string
		}
		var reports []made
		keep := func() {
			t.Helper()
			a := ask(t, s, "report", "half-year", "--half", "2017-1")
			at := []string{"--position", strconv.FormatInt(a.Position, 10), "--root", a.Root}
			for _, more := range [][]string{{"--json"}, {"--lang", "vi"}, {"--lang", "en"}, {"--json", "--within", "H1"}, {"--lang", "vi", "--within", "X1"}} {
				first := append([]string{"report", "half-year", "--half", "2017-1"}, more...)
				reports = append(reports, made{append(first, at...), s.run(t, 0, "", first...)})
			}
		}
		keep()
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 1))
		t.Logf("seed %d", seed)
		day := func() string { return fmt.Sprintf("2017-%02d-%02d", 1+r.IntN(6), 1+r.IntN(28)) }
		line := func(kind, on, data string) string {
			return fmt.Sprintf(`{"type":%q,"effective_on":%q,"data":%s}`, kind, on, data)
		}
		closed, units := true, 0
		open := func() {
			if closed {
				s.run(t, 0, "", "period", "reopen", "--from", "2017-01-01", "--remark", "late")
				closed = false
			}
		}
		afterwards := []func(){
			func() { // a late gift
				open()
				s.run(t, 0, line("receive_donation", day(), fmt.Sprintf(`{"fund":"KH","donor":"CTY","lines":[{"asset":"cash","amount":"%d"}]}`, 1+r.IntN(1_000_000))), "record", "-")
			},
			func() { // units move, with dates in the period
				open()
				to := []string{"H1", "H2"}[r.IntN(2)]
				s.run(t, 0, line("move_unit", "2017-06-29", `{"unit":"X2","parent":"`+to+`"}`), "record", "-")
			},
			func() { // a unit with a fund of its own
				open()
				units++
				code := fmt.Sprintf("N%d", units)
				s.run(t, 0, line("register_unit", "2017-05-01", `{"code":"`+code+`","parent":"H1","level":"commune","name":"N"}`)+"\n"+
					line("open_fund", "2017-05-01", `{"code":"`+code+`","unit":"`+code+`","name":"N"}`)+"\n"+
					line("receive_donation", "2017-05-02", `{"fund":"`+code+`","donor":"VD","lines":[{"asset":"bank","amount":"7"}]}`), "record", "-")
			},
			func() { // another figure for the same period
				s.run(t, 0, line("report_indicator", "2017-07-01", fmt.Sprintf(`{"unit":"X1","indicator":"members","from":"2017-01-01","to":"2017-06-30","value":"%d"}`, r.IntN(9999))), "record", "-")
			},
			func() { s.run(t, 0, "", "key", "rotate") },
			func() { s.run(t, 0, "", "rebuild") },
			func() {
				if !closed {
					s.run(t, 0, "", "period", "close", "--half", "2017-1")
					closed = true
					keep()
				}
			},
		}
		for _, i := range r.Perm(len(afterwards)) {
			afterwards[i]()
		}
		afterwards[len(afterwards)-1]()
		for range 4 {
			afterwards[r.IntN(len(afterwards))]()
		}
		for _, m := range reports {
			if again := s.run(t, 0, "", m.args...); again != m.text {
				t.Errorf("seed %d: soquy %v:\n%s\nwas\n%s", seed, m.args, again, m.text)
			}
		}
		s.run(t, 0, "", "verify")

		// Another log has another root, also one of the same origin and length.
		first := reports[0].args
		wrong := append(append([]string{}, first[:len(first)-1]...), strings.Repeat("A", 43)+"=")
		if said := s.fails(t, cli.ExitIntegrity, "report.other_log", "", wrong...); !strings.Contains(said, first[len(first)-1]) {
			t.Errorf("the refusal does not name the root:\n%s", said)
		}
		other := soquy{db: t.TempDir() + "/other.db"}
		other.run(t, 0, "", "init", "--origin", "example.org/soquy/test")
		var long strings.Builder
		for i := range 100 {
			long.WriteString(line("register_donor", "2017-01-01", fmt.Sprintf(`{"code":"D%d","kind":"anonymous"}`, i)) + "\n")
		}
		other.run(t, 0, twoGifts+long.String(), "record", "-")
		other.fails(t, cli.ExitIntegrity, "report.other_log", "", first...)
		for _, bad := range []string{"not base64", "AAAA"} {
			s.fails(t, cli.ExitIntegrity, "report.other_log", "", append(append([]string{}, first[:len(first)-1]...), bad)...)
		}
		s.fails(t, cli.ExitRefused, "position.unknown", "", "report", "half-year", "--half", "2017-1", "--position", "100000")
		s.fails(t, cli.ExitRefused, "instant.too_early", "", "report", "half-year", "--half", "2017-1", "--known-at", "2001-01-01")
		s.fails(t, cli.ExitRefused, "period.open", "", "report", "half-year", "--half", "2017-2")
		s.fails(t, cli.ExitRefused, "period.open", "", "report", "half-year", "--half", "2017-1", "--position", "30")
		s.fails(t, cli.ExitUsage, "usage.half_year", "", "report", "half-year", "--half", "2017-1", "--position", "-1")
		s.fails(t, cli.ExitUsage, "usage.half_year", "", "report", "half-year", "--half", "2017-1", "--root", "AAAA")
		s.fails(t, cli.ExitUsage, "usage.half_year", "", append(append([]string{}, first[:len(first)-1]...), "")...) // an empty variable of a shell
	})
}
