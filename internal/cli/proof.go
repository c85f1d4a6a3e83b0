package cli

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/export"
	"github.com/soquy/soquy/internal/keychange"
)

// A Prover checks what left a ledger, with its public key alone.
type Prover interface {
	// CheckTlog checks an exported folder.
	CheckTlog(ctx context.Context, dir, key string, p Progress) (export.CheckedTlog, error)
	// CheckProof checks a proof or receipt; about is the envelope or checkpoint that it is about, nil where a receipt carries it.
	CheckProof(raw []byte, key string, about []byte) (export.CheckedProof, error)
}

// maxProof is the size limit in bytes of a proof or receipt: room for the longest envelope in base64, and for hundreds of changes
// of the key.
const maxProof = 4 << 20

type proofJSON struct {
	Ledger string `json:"ledger"`
	Proof  string `json:"proof"`
}

type checkpointJSON struct {
	headJSON
	Checkpoint string `json:"checkpoint"`
}

type checkedProofJSON struct {
	headJSON
	OK       bool            `json:"ok"`
	Event    int64           `json:"event,omitempty"` // position
	Old      int64           `json:"old,omitempty"`
	Envelope json.RawMessage `json:"envelope,omitempty"`
	Sentence string          `json:"sentence,omitempty"`
	Keys     []keyEventJSON  `json:"keys,omitempty"`
}

// keyEventJSON is a key of the ledger, and from which event on it signs.
type keyEventJSON struct {
	Position  int64  `json:"position"`
	PublicKey string `json:"public_key"`
	Kept      int64  `json:"kept,omitempty"` // events, after a restore that lost others
	Lost      int64  `json:"lost,omitempty"` // the size that was lost
}

func newKeyEvents(events []keychange.Event) []keyEventJSON {
	out := make([]keyEventJSON, len(events))
	for i := range events {
		out[i] = keyEventJSON{Position: events[i].Position, PublicKey: events[i].PublicKey()}
		if fork, ok := events[i].Body.(*domain.LedgerForked); ok {
			out[i].Kept, out[i].Lost = fork.Tree.Size, fork.Lost.Size
		}
	}
	return out
}

// tellKeys names the keys of a ledger that has had several.
func (p *program) tellKeys(events []keychange.Event) {
	if len(events) < 2 {
		return
	}
	for _, k := range newKeyEvents(events) {
		text := "proof.key"
		if k.Lost > 0 {
			text = "proof.key.lost"
		}
		p.printf("%s\n", p.t(text, "position", p.count(k.Position), "key", k.PublicKey, "kept", p.count(k.Kept), "lost", p.count(k.Lost)))
	}
}

func (p *program) checkpointCommand() *command {
	return p.command("checkpoint", "checkpoint").runs(func(ctx context.Context, _ []string) error {
		return p.reader(ctx, func(r Reader) error {
			head, signed, err := r.Checkpoint(ctx)
			if err != nil {
				return err
			}
			if !p.json {
				_, err := p.out.Write(signed)
				return err
			}
			return p.encode(checkpointJSON{newHeadJSON(head), string(signed)})
		})
	})
}

func (p *program) proofCommand() *command {
	inclusion := p.command("proof_inclusion", "inclusion EVENT").takes(1, 1, nil)
	inclusion.runs(func(ctx context.Context, args []string) error { return p.prove(ctx, args[0], false) })
	consistency := p.command("proof_consistency", "consistency FILE").takes(1, 1, nil)
	consistency.ValidArgsFunction = nil
	consistency.runs(func(ctx context.Context, args []string) error {
		old, err := p.noteFile(args[0])
		if err != nil {
			return err
		}
		return p.reader(ctx, func(r Reader) error {
			proof, err := r.Consistency(ctx, old)
			if err != nil {
				return err
			}
			return p.writeProof(ctx, r, proof)
		})
	})
	return p.parent("proof", inclusion, consistency)
}

func (p *program) receiptCommand() *command {
	return p.command("receipt", "receipt EVENT").takes(1, 1, nil).runs(func(ctx context.Context, args []string) error {
		return p.prove(ctx, args[0], true)
	})
}

// prove writes the proof that an event is in the log, as a receipt with the event itself.
func (p *program) prove(ctx context.Context, event string, receipt bool) error {
	id, err := parseID(p.named("EVENT"), event)
	if err != nil {
		return err
	}
	return p.reader(ctx, func(r Reader) error {
		proof, err := r.Inclusion(ctx, id, receipt)
		if err != nil {
			return err
		}
		return p.writeProof(ctx, r, proof)
	})
}

func (p *program) writeProof(ctx context.Context, r Reader, proof []byte) error {
	if !p.json {
		_, err := p.out.Write(proof)
		return err
	}
	return r.View(ctx, func(v View) error { return p.encode(proofJSON{v.Head().Origin, string(proof)}) })
}

func (p *program) checkProofCommand() *command {
	var key, about string
	c := p.command("check_proof", "check-proof FILE").takes(1, 1, nil).text(&key, "key").text(&about, "about").needs("key")
	c.ValidArgsFunction = nil
	return c.runs(func(_ context.Context, args []string) error {
		var subject []byte
		if about != "" {
			var err error
			if subject, err = p.file(about, maxProof); err != nil {
				return err
			}
		}
		return p.checkProof(args[0], key, subject)
	})
}

func (p *program) checkReceiptCommand() *command {
	var key string
	c := p.command("check_receipt", "check-receipt FILE").takes(1, 1, nil).text(&key, "key").needs("key")
	c.ValidArgsFunction = nil
	return c.runs(func(_ context.Context, args []string) error { return p.checkProof(args[0], key, nil) })
}

func (p *program) checkProof(path, key string, about []byte) error {
	public, err := p.verifierKey(key)
	if err != nil {
		return err
	}
	raw, err := p.file(path, maxProof)
	if err != nil {
		return err
	}
	if len(about) > 0 && about[0] == '{' { // an envelope, as `soquy events` prints it
		about = bytes.TrimSuffix(about, []byte("\n"))
	}
	checked, err := p.backend.CheckProof(raw, public, about)
	if err != nil {
		return err
	}
	head := headJSON{checked.Checkpoint.Origin, checked.Checkpoint.Size, root64(checked.Checkpoint.Root)}
	if p.json {
		var sentence string
		if checked.Event != nil {
			sentence = Sentence(p.cat, checked.Currency, checked.Event)
		}
		return p.encode(checkedProofJSON{head, true, checked.Position, checked.Old, checked.Entry, sentence, newKeyEvents(checked.Keys)})
	}
	return p.tellProof(head, &checked)
}

// tellProof says what was proven, and of an event what its envelope says.
func (p *program) tellProof(head headJSON, c *export.CheckedProof) error {
	if c.Position == 0 {
		p.printf("%s\n", p.t("proof.consistent", "ledger", head.Ledger, "old", p.count(c.Old), "position", p.count(head.Position)))
		p.tellKeys(c.Keys)
		return nil
	}
	p.printf("%s\n", p.t("proof.included", "ledger", head.Ledger, "event", p.count(c.Position), "position", p.count(head.Position)))
	p.tellKeys(c.Keys)
	if c.Event != nil {
		p.printf("%s\n", Sentence(p.cat, c.Currency, c.Event))
	}
	var e struct {
		ID          uuid.UUID       `json:"id"`
		Type        string          `json:"type"`
		RecordedAt  string          `json:"recorded_at"`
		EffectiveOn string          `json:"effective_on"`
		Data        json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(c.Entry, &e); err != nil {
		return &Failure{Code: "proof.malformed", Exit: ExitIntegrity, Err: err}
	}
	day := e.EffectiveOn
	if d, err := domain.ParseDate(day); err == nil {
		day = p.date(d)
	}
	p.pair("what", p.cat.Term("event", e.Type))
	p.pair("date", day)
	p.pair("recorded_at", e.RecordedAt)
	p.pair("event", e.ID.String())
	p.pair("data", string(e.Data))
	return nil
}
