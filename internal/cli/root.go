package cli

import (
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/soquy/soquy/internal/locale"
)

// DefaultDB is the database when neither --db nor SOQUY_DB names one.
const DefaultDB = "soquy.db"

// root makes the whole tree of commands, in the language of the catalogue.
func (p *program) root() *cobra.Command {
	c := p.command("root", "soquy")
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SuggestionsMinimumDistance = 2
	c.CompletionOptions.DisableDefaultCmd = true
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		p.help(cmd)
		return nil
	}
	c.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return checkRequired(cmd) }
	c.SetOut(p.out)
	c.SetErr(p.stderr)
	c.SetHelpFunc(func(cmd *cobra.Command, _ []string) { p.help(cmd) })
	c.SetUsageFunc(func(cmd *cobra.Command) error { p.help(cmd); return nil })

	db := p.env("SOQUY_DB")
	if db == "" {
		db = DefaultDB
	}
	flags := c.PersistentFlags()
	flags.StringVar(&p.db, "db", db, p.t("flag.db"))
	flags.StringVar(&p.ledger, "ledger", "", p.t("flag.ledger"))
	p.lang = choice{value: string(p.cat.Language)}
	for _, l := range locale.Languages() {
		p.lang.words = append(p.lang.words, string(l))
	}
	flags.Var(&p.lang, "lang", p.t("flag.lang"))
	flags.BoolVar(&p.json, "json", false, p.t("flag.json"))
	flags.BoolVar(&p.verbose, "verbose", false, p.t("flag.verbose"))
	flags.BoolP("help", "h", false, p.t("flag.help"))
	c.completes("lang", fixed(p.lang.words))
	c.completes("ledger", nil)
	c.SetHelpCommand(p.helpCommand().Command)

	for _, g := range groups() {
		c.AddGroup(&cobra.Group{ID: string(g), Title: p.t("group." + string(g))})
	}
	add := func(g group, list ...*command) {
		for _, child := range list {
			child.GroupID = string(g)
			c.AddCommand(child.Command)
		}
	}
	add(bookGroup, p.initCommand(), p.unitCommand(), p.fundCommand(), p.openingCommand(), p.donorCommand(), p.personCommand())
	add(recordGroup, p.donateCommand(), p.pledgeCommand())
	add(recordGroup, p.grantCommands()...)
	add(recordGroup, p.disburseCommand(), p.cancelCommand(), p.returnCommand(), p.expenseCommand(), p.transferCommand(), p.moveCommand(),
		p.countCommand(), p.settleCommand(), p.reverseCommand(), p.periodCommand(), p.indicatorCommand(), p.recordCommand())
	add(readGroup, p.balanceCommand(), p.totalsCommand(), p.indicatorsCommand(), p.vouchersCommand(), p.historyCommand(), p.explainCommand(), p.diffCommand(), p.eventsCommand(),
		p.trialBalanceCommand(), p.ledgerCommand(), p.cashBookCommand())
	add(checkGroup, p.verifyCommand(), p.replayCommand(), p.reportCommand(), p.checkpointCommand(), p.proofCommand(), p.receiptCommand(), p.exportCommand(),
		p.verifyExportCommand(), p.checkProofCommand(), p.checkReceiptCommand(), p.witnessCommand(), p.sampleCommand(), p.anomaliesCommand(), p.publicKeyCommand(), p.keyCommand(), p.backupCommand(), p.restoreCommand(), p.rebuildCommand())
	add(otherGroup, p.demoCommand(), p.migrateCommand(), p.benchCommand(), p.completionCommand(), p.versionCommand())
	return c.Command
}

func (p *program) helpCommand() *command {
	c := p.command("help", "help [COMMAND]")
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(cmd *cobra.Command, args []string) error {
		found, rest, err := cmd.Root().Find(args)
		if err != nil || found == nil || len(rest) > 0 {
			return unknownCommand(cmd.Root(), strings.Join(args, " "))
		}
		p.help(found)
		return nil
	}
	c.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var names []string
		if found, _, err := cmd.Root().Find(args); err == nil {
			for _, child := range found.Commands() {
				if child.IsAvailableCommand() {
					names = append(names, child.Name()+"\t"+child.Short)
				}
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return c
}

// help writes the help of a command.
func (p *program) help(cmd *cobra.Command) {
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	p.printf("%s\n", strings.TrimRight(text, "\n"))
	p.printf("\n%s\n", p.t("help.usage"))
	if cmd.HasAvailableSubCommands() {
		p.printf("  %s %s\n", cmd.CommandPath(), p.t("help.command"))
	} else {
		p.printf("  %s %s\n", cmd.UseLine(), p.t("help.any_flags"))
	}
	if cmd.HasExample() {
		p.printf("\n%s\n", p.t("help.examples"))
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			p.printf("  %s\n", line)
		}
	}
	if cmd.HasAvailableSubCommands() {
		p.helpCommands(cmd)
	}
	p.helpFlags(p.t("help.flags"), cmd.LocalNonPersistentFlags())
	p.helpFlags(p.t("help.global"), cmd.Root().PersistentFlags())
	if !cmd.HasParent() {
		p.printf("\n%s\n", p.t("help.exit_codes"))
	}
	if cmd.HasAvailableSubCommands() {
		p.printf("\n%s\n", p.t("help.more", "command", cmd.CommandPath()))
	}
}

// explained lists the words that a flag takes, in Vietnamese each with what it means, since the words are English.
func (p *program) explained(flag string, words []string) string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = word
		if meaning := p.meaning(flag, word); p.cat.Language == locale.Vietnamese && meaning != word {
			list[i] += " (" + meaning + ")"
		}
	}
	return strings.Join(list, ", ")
}

// meaning is what a word that a flag takes means; a word that needs no meaning stands for itself.
func (p *program) meaning(flag, word string) string {
	for _, group := range groupsOf(flag) {
		if meaning := p.cat.Term(group, word); meaning != word {
			return meaning
		}
	}
	if name := "column.by." + word; flag == "by" && p.cat.Has(name) {
		return strings.ToLower(p.t(name))
	}
	return word
}

// groupsOf are the groups of terms that a flag's words are of.
func groupsOf(flag string) []string {
	switch flag {
	case "level", "unit-level":
		return []string{"level"}
	case "purposes":
		return []string{"purpose"}
	case "purpose":
		return []string{"expense"}
	case "kind":
		return []string{"recipient", "donor"}
	case "achievement-level":
		return []string{"achievement"}
	case "education-level":
		return []string{"education"}
	case "from", "to":
		return []string{"asset"}
	case "measure", "recipient", "prize", "cause", "reason", "structure":
		return []string{flag}
	}
	return nil
}

func (p *program) helpCommands(cmd *cobra.Command) {
	width := 0
	for _, child := range cmd.Commands() {
		width = max(width, len(child.Name()))
	}
	list := func(title, id string) {
		p.printf("\n%s\n", title)
		for _, child := range cmd.Commands() {
			if child.IsAvailableCommand() && child.GroupID == id && child.Name() != "help" {
				p.printf("  %-*s  %s\n", width, child.Name(), child.Short)
			}
		}
	}
	if len(cmd.Groups()) == 0 {
		list(p.t("help.commands"), "")
	}
	for _, g := range cmd.Groups() {
		list(g.Title, g.ID)
	}
}

func (p *program) helpFlags(title string, flags *pflag.FlagSet) {
	type row struct{ left, text string }
	var rows []row
	width := 0
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, text := pflag.UnquoteUsage(f)
		left := "    --" + f.Name
		if f.Shorthand != "" {
			left = "-" + f.Shorthand + ", --" + f.Name
		}
		if f.Value.Type() != "bool" {
			left += " " + value
		}
		if _, required := f.Annotations[cobra.BashCompOneRequiredFlag]; required {
			text += " " + p.t("help.required")
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			text += " " + p.t("help.default", "value", WithoutPassword(f.DefValue))
		}
		if c, isChoice := f.Value.(interface{ choose() []string }); isChoice {
			text += ": " + p.explained(f.Name, c.choose())
		}
		rows = append(rows, row{left, text})
		width = max(width, utf8.RuneCountInString(left))
	})
	if len(rows) == 0 {
		return
	}
	p.printf("\n%s\n", title)
	for _, r := range rows {
		p.printf("  %s%s  %s\n", r.left, strings.Repeat(" ", width-utf8.RuneCountInString(r.left)), r.text)
	}
}
