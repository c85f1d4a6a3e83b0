package cli

import "context"

func (p *program) restoreCommand() *command {
	var accept bool
	c := p.command("restore", "restore [FILE]").takes(0, 1, nil)
	c.ValidArgsFunction = nil // the shell completes the file
	c.Flags().BoolVar(&accept, "accept-loss", false, c.usageOf("accept-loss"))
	return c.runs(func(ctx context.Context, args []string) error {
		switch {
		case accept && len(args) > 0:
			return usage("too_many", "arg", args[0], "use", c.UseLine())
		case accept:
			return p.acceptLoss(ctx)
		case len(args) == 0:
			return usage("too_few", "use", c.UseLine())
		}
		b := p.bar(p.t("progress.restore"))
		done, err := p.backend.Restore(ctx, p.target(), args[0], b.progress())
		b.done()
		if err != nil {
			return err
		}
		if p.json {
			return p.encode(newCopyJSON(&done))
		}
		p.tellCopy("restore.done", &done)
		for _, l := range done.Ledgers {
			if l.NoKey != "" {
				p.printf("\n%s\n", p.t("restore.no_key", "ledger", l.Origin, "path", l.NoKey))
			}
			if l.Known > 0 {
				p.printf("\n%s\n", p.t("restore.behind", "ledger", l.Origin, "position", p.count(l.Position), "known", p.count(l.Known)))
				p.commands("verify", "restore --accept-loss")
			}
		}
		return nil
	})
}

// acceptLoss lets a ledger go on from a restored database that lacks events.
func (p *program) acceptLoss(ctx context.Context) error {
	b := p.bar(p.t("progress.reading"))
	h, err := p.backend.AcceptLoss(ctx, p.target(), b.progress())
	b.done()
	if err != nil {
		return err
	}
	return p.tellKey(h, "restore.accepted")
}
