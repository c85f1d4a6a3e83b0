package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/locale"
)

type verificationJSON struct {
	Ledger      string              `json:"ledger"`
	OK          bool                `json:"ok"`
	Events      int64               `json:"events"`
	Root        string              `json:"root"`
	Checkpoint  string              `json:"checkpoint"`
	Projections []verifiedJSON      `json:"projections"`
	Failures    []verifyFailureJSON `json:"failures"`
	Outside     int                 `json:"outside"`
}

type verifiedJSON struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Rows    int64  `json:"rows"`
	Version int    `json:"version"`
	Digest  string `json:"digest"`
}

type verifyFailureJSON struct {
	Position int64  `json:"position"`
	What     string `json:"what"`
	Code     string `json:"code"`
}

func (p *program) verifyCommand() *command {
	var since, witness string
	c := p.command("verify", "verify").text(&since, "since").text(&witness, "require-witness")
	return c.runs(func(ctx context.Context, _ []string) error {
		var signed []byte
		if since != "" {
			var err error
			if signed, err = p.file(since, maxProof); err != nil {
				return err
			}
		}
		if witness != "" {
			if err := p.requireWitness(witness, signed); err != nil {
				return err
			}
		}
		b := p.bar(p.t("progress.verify"))
		var v Verification
		var err error
		if signed == nil {
			v, err = p.backend.Verify(ctx, p.target(), b.progress())
		} else {
			v, err = p.backend.VerifySince(ctx, p.target(), since, signed, b.progress())
		}
		b.done()
		if err != nil {
			return err
		}
		if p.json {
			err = p.verificationJSON(&v)
		} else {
			p.tellVerification(&v)
		}
		if err != nil {
			return err
		}
		return p.failureOf(&v)
	})
}

// failure is the first thing that is not as it was recorded, or nil.
func (p *program) failureOf(v *Verification) error {
	if v.OK {
		return nil
	}
	first := VerifyFailure{Code: "log.broken", Args: []domain.Arg{{Name: "cause", Value: "?"}}}
	if len(v.Failures) > 0 {
		first = v.Failures[0]
	}
	code := "log.corrupt"
	if !slices.ContainsFunc(v.Failures, func(f VerifyFailure) bool { return !f.ofGuards() }) && len(v.Failures) > 0 {
		code = "log.unguarded"
	}
	return &Failure{Code: code, Exit: ExitIntegrity, Args: []domain.Arg{
		{Name: "position", Value: itoa(first.Position)}, {Name: "what", Value: first.what(p.cat)},
	}}
}

// ofGuards reports whether a failure is about what guards the log, and not about what is in it.
func (f *VerifyFailure) ofGuards() bool { return strings.HasPrefix(f.Code, "guard.") }

// what says in words what is not as it was recorded.
func (f *VerifyFailure) what(cat *locale.Catalogue) string {
	var args []string
	for _, a := range f.Args {
		if a.Name == "name" && a.Value == "" {
			a.Value = cat.Text("verify.head_file")
		}
		args = append(args, a.Name, a.Value)
	}
	return cat.Text("verify.what."+f.Code, args...)
}

func (p *program) verificationJSON(v *Verification) error {
	answer := verificationJSON{
		Ledger: v.Ledger, OK: v.OK, Events: v.Events, Root: root64(v.Root), Checkpoint: v.Checkpoint,
		Projections: make([]verifiedJSON, len(v.Projections)), Failures: make([]verifyFailureJSON, len(v.Failures)), Outside: v.Outside,
	}
	for i, m := range v.Projections {
		answer.Projections[i] = verifiedJSON{m.Name, m.OK, m.Rows, m.Version, root64(m.Digest)}
	}
	english := locale.New(locale.English) // what others parse is in one language
	for i, f := range v.Failures {
		answer.Failures[i] = verifyFailureJSON{f.Position, f.what(english), f.Code}
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
	modelsOK, logOK := true, true
	for _, m := range v.Projections {
		modelsOK = modelsOK && m.OK
	}
	for _, f := range v.Failures {
		ofModels := f.Code == "models.skipped" || f.Code == "model.differs" || f.Code == "model.loose"
		logOK = logOK && (ofModels && !modelsOK || f.ofGuards())
	}
	p.printf("%s\n\n", p.t("verify.title", "ledger", v.Ledger))
	p.printf("  %s  %s\n", state(logOK), p.cat.Count("verify.events", v.Events))
	for _, m := range v.Projections {
		p.printf("  %s  %s\n", state(m.OK), p.cat.Count("verify.projection", m.Rows, "name", p.cat.Term("projection", m.Name)))
		p.printf("        %s\n", root64(m.Digest))
	}
	p.tellFailures(v.Failures)
	p.printf("\n%s\n", p.t("verify.root", "root", root64(v.Root)))
	if v.Checkpoint != "" {
		p.printf("%s\n", p.t("verify.checkpoint"))
		for line := range strings.SplitSeq(strings.TrimRight(v.Checkpoint, "\n"), "\n") {
			p.printf("%s\n", strings.TrimRight("  "+line, " "))
		}
	}
	if v.OK {
		p.printf("\n%s\n", p.t("verify.ok"))
		if v.Outside == 0 {
			p.printf("%s\n", p.t("verify.alone"))
		}
	} // else it is said as an error
}

// manyFailures is how many failures are told to people; JSON has them all.
const manyFailures = 20

func (p *program) tellFailures(list []VerifyFailure) {
	for i, f := range list {
		switch {
		case i == manyFailures:
			p.printf("  …     %s\n", p.cat.Count("verify.more", int64(len(list)-i)))
			return
		case f.Position > 0:
			p.printf("  FAIL  %s\n", p.t("verify.failure_at", "position", p.count(f.Position), "what", f.what(p.cat)))
		default:
			p.printf("  FAIL  %s\n", f.what(p.cat))
		}
	}
}
