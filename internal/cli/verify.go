package cli

import (
	"context"
	"strings"
)

type verificationJSON struct {
	Ledger      string              `json:"ledger"`
	OK          bool                `json:"ok"`
	Events      int64               `json:"events"`
	Root        string              `json:"root"`
	Checkpoint  string              `json:"checkpoint"`
	Projections []verifiedJSON      `json:"projections"`
	Failures    []verifyFailureJSON `json:"failures"`
}

type verifiedJSON struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Rows int64  `json:"rows"`
}

type verifyFailureJSON struct {
	Position int64  `json:"position"`
	What     string `json:"what"`
}

func (p *program) verifyCommand() *command {
	return p.command("verify", "verify").runs(func(ctx context.Context, _ []string) error {
		b := p.bar(p.t("progress.verify"))
		v, err := p.backend.Verify(ctx, p.target(), b.progress())
		b.done()
		if err != nil {
			return err
		}
		if p.json {
			err = p.verificationJSON(&v)
		} else {
			p.tellVerification(&v)
		}
		if err == nil && !v.OK {
			err = exitError(ExitIntegrity)
		}
		return err
	})
}

func (p *program) verificationJSON(v *Verification) error {
	answer := verificationJSON{
		Ledger: v.Ledger, OK: v.OK, Events: v.Events, Root: root64(v.Root), Checkpoint: v.Checkpoint,
		Projections: make([]verifiedJSON, len(v.Projections)), Failures: make([]verifyFailureJSON, len(v.Failures)),
	}
	for i, m := range v.Projections {
		answer.Projections[i] = verifiedJSON(m)
	}
	for i, f := range v.Failures {
		answer.Failures[i] = verifyFailureJSON(f)
	}
	return p.encode(answer)
}

// tellVerification prints what was checked, what was found, and the signed tree head.
func (p *program) tellVerification(v *Verification) {
	state := func(ok bool) string {
		if ok {
			return "OK  "
		}
		return "FAIL"
	}
	logOK := true
	for _, f := range v.Failures {
		logOK = logOK && f.Position == 0
	}
	p.printf("%s\n\n", p.t("verify.title", "ledger", v.Ledger))
	p.printf("  %s  %s\n", state(logOK && v.OK || logOK && len(v.Failures) == 0), p.cat.Count("verify.events", v.Events))
	for _, m := range v.Projections {
		p.printf("  %s  %s\n", state(m.OK), p.cat.Count("verify.projection", m.Rows, "name", p.cat.Term("projection", m.Name)))
	}
	for _, f := range v.Failures {
		if f.Position > 0 {
			p.printf("  FAIL  %s\n", p.t("verify.failure_at", "position", p.count(f.Position), "what", f.What))
		} else {
			p.printf("  FAIL  %s\n", p.t("verify.failure", "what", f.What))
		}
	}
	p.printf("\n%s\n", p.t("verify.root", "root", root64(v.Root)))
	if v.Checkpoint != "" {
		p.printf("%s\n", p.t("verify.checkpoint"))
		for line := range strings.SplitSeq(strings.TrimRight(v.Checkpoint, "\n"), "\n") {
			p.printf("%s\n", strings.TrimRight("  "+line, " "))
		}
	}
	if v.OK {
		p.printf("\n%s\n", p.t("verify.ok"))
		return
	}
	p.printf("\n%s\n", p.t("verify.failed"))
}
