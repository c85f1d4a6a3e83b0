package cli

import "context"

func (p *program) publicKeyCommand() *command {
	return p.command("public-key", "public-key").runs(func(ctx context.Context, _ []string) error {
		r, err := p.backend.Reader(ctx, p.target())
		if err != nil {
			return err
		}
		defer r.Close()
		public, err := r.PublicKey(ctx)
		if err != nil {
			return err
		}
		p.printf("%s\n", public)
		return nil
	})
}
