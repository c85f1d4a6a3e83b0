package cli

import "context"

type keyJSON struct {
	headJSON
	PublicKey string `json:"public_key"`
	KeyFile   string `json:"key_file"`
}

func (p *program) keyCommand() *command {
	rotate := p.command("key-rotate", "rotate").runs(func(ctx context.Context, _ []string) error {
		b := p.bar(p.t("progress.reading"))
		h, err := p.backend.RotateKey(ctx, p.target(), b.progress())
		b.done()
		if err != nil {
			return err
		}
		return p.tellKey(h, "key.rotated")
	})
	return p.parent("key", rotate)
}

// tellKey tells of a ledger's new key.
func (p *program) tellKey(h Head, text string) error {
	if p.json {
		return p.encode(keyJSON{newHeadJSON(h), h.PublicKey, h.KeyFile})
	}
	p.printf("%s\n", p.t(text, "position", p.count(h.Position)))
	p.pair("ledger", h.Origin)
	p.pair("public_key", h.PublicKey)
	p.pair("key_file", h.KeyFile)
	p.printf("\n%s\n", p.t("key.publish"))
	return nil
}
