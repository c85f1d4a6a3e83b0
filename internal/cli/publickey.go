package cli

import "context"

func (p *program) publicKeyCommand() *command {
	return p.command("public-key", "public-key").runs(func(ctx context.Context, _ []string) error {
		return p.read(ctx, func(v View) error {
			p.printf("%s\n", v.Head().PublicKey)
			return nil
		})
	})
}
