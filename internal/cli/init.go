package cli

import (
	"context"
	"strings"
	"time"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// What a new ledger has when nothing else is said.
const (
	defaultCurrency = "VND"
	defaultTimeZone = "Asia/Ho_Chi_Minh"
)

type initJSON struct {
	headJSON
	Currency  string `json:"currency"`
	PublicKey string `json:"public_key"`
	KeyFile   string `json:"key_file"`
}

func (p *program) initCommand() *command {
	o := InitOptions{Currency: defaultCurrency, TimeZone: defaultTimeZone}
	c := p.command("init", "init")
	c.text(&o.Origin, "origin")
	c.Flags().StringVar(&o.Currency, "currency", o.Currency, c.usageOf("currency"))
	c.Flags().StringVar(&o.TimeZone, "time-zone", o.TimeZone, c.usageOf("time-zone"))
	c.completes("currency", nil)
	c.completes("time-zone", nil)
	return c.runs(func(ctx context.Context, _ []string) error {
		if _, err := money.LookupCurrency(o.Currency); err != nil {
			return &Failure{Code: "currency.unknown", Args: []domain.Arg{{Name: "currency", Value: o.Currency}}, Exit: ExitUsage, Err: err}
		}
		if _, err := time.LoadLocation(o.TimeZone); err != nil || o.TimeZone == "" || o.TimeZone == "Local" {
			return usage("time_zone", "value", o.TimeZone)
		}
		h, err := p.backend.Init(ctx, p.target(), o)
		if err != nil {
			return err
		}
		if p.json {
			return p.encode(initJSON{newHeadJSON(h), h.Currency.Code, h.PublicKey, h.KeyFile})
		}
		p.printf("%s\n", p.t("init.done", "db", WithoutPassword(p.db)))
		p.pair("ledger", h.Origin)
		p.pair("currency", h.Currency.Code)
		p.pair("public_key", h.PublicKey)
		p.pair("key_file", h.KeyFile)
		p.printf("\n%s\n", p.t("init.key"))
		p.printf("\n%s\n", p.t("next"))
		p.commands("unit register T11 --level province --name \""+p.t("init.example_unit")+"\"",
			"fund open HB --unit T11 --name \""+p.t("init.example_fund")+"\"", "--help")
		return nil
	})
}

// commands prints commands to try, with the database and ledger of this run.
func (p *program) commands(list ...string) {
	for _, c := range list {
		p.printf("  soquy %s%s\n", c, p.same())
	}
}

// same is what of the flags of this run must be said again.
func (p *program) same() string {
	s := ""
	if p.db != DefaultDB && p.db != p.env("SOQUY_DB") {
		s += " --db " + quoted(WithoutPassword(p.db))
	}
	if p.ledger != "" {
		s += " --ledger " + quoted(p.ledger)
	}
	return s
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if !strings.ContainsAny(word, " \t\n'\"\\$&;|<>()*?[]{}#~!`") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
