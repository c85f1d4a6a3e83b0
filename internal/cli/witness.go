package cli

import (
	"context"
	"strings"
	"time"
)

// A Witnesser is a witness of ledgers, on an auditor's machine.
type Witnesser interface {
	// WitnessInit makes a witness in a folder and returns its verifier key.
	WitnessInit(dir, name string) (string, error)
	// WitnessCosign checks the checkpoint of a log, in a folder or at a URL, against the one that was cosigned before, and cosigns it. key
	// may be "" once the witness knows the ledger.
	WitnessCosign(ctx context.Context, dir, source, key string, first bool) (Witnessed, error)
	// Cosigned checks that a checkpoint has a witness's cosignature, and returns when it was made.
	Cosigned(signed []byte, witness string) (time.Time, error)
}

// A Witnessed checkpoint was cosigned.
type Witnessed struct {
	Head   Head
	Before int64 // the size that was cosigned before; 0: none
	Note   []byte
}

type witnessedJSON struct {
	headJSON
	Before     int64  `json:"before"`
	Checkpoint string `json:"checkpoint"`
}

type witnessJSON struct {
	Key string `json:"key"`
}

// witnessDir is the folder of a witness unless another is named.
const witnessDir = "soquy-witness"

func (p *program) witnessCommand() *command {
	var dir, name, source, key string
	var first bool
	folder := func(c *command) *command {
		c.Flags().StringVar(&dir, "dir", witnessDir, c.usageOf("dir"))
		return c
	}
	initialise := folder(p.command("witness.init", "init").text(&name, "name").needs("name"))
	initialise.runs(func(context.Context, []string) error {
		public, err := p.backend.WitnessInit(dir, name)
		if err != nil {
			return err
		}
		if p.json {
			return p.encode(witnessJSON{public})
		}
		p.printf("%s\n", public)
		return nil
	})
	cosign := folder(p.command("witness.cosign", "cosign").text(&source, "log").text(&key, "key").yes(&first, "first").needs("log"))
	cosign.runs(func(ctx context.Context, _ []string) error {
		var public string
		if key != "" {
			var err error
			if public, err = p.verifierKey(key); err != nil {
				return err
			}
		}
		w, err := p.backend.WitnessCosign(ctx, dir, source, public, first)
		if err != nil {
			return err
		}
		if p.json {
			return p.encode(witnessedJSON{newHeadJSON(w.Head), w.Before, string(w.Note)})
		}
		_, err = p.out.Write(w.Note)
		return err
	})
	return p.parent("witness", initialise, cosign)
}

// requireWitness checks that a checkpoint has a witness's cosignature. key is its verifier key or a file that has it.
func (p *program) requireWitness(key string, signed []byte) error {
	if signed == nil {
		return usage("require_witness")
	}
	public, err := p.verifierKey(key)
	if err != nil {
		return err
	}
	_, err = p.backend.Cosigned(signed, strings.TrimSpace(public))
	return err
}
