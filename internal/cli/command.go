package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/soquy/soquy/internal/locale"
)

// group is a group of commands in the help of the root.
type group string

// The groups, in their order.
const (
	bookGroup   group = "book"
	recordGroup group = "record"
	readGroup   group = "read"
	checkGroup  group = "check"
	otherGroup  group = "other"
)

func groups() []group { return []group{bookGroup, recordGroup, readGroup, checkGroup, otherGroup} }

// command is a command of the command line while it is put together.
type command struct {
	*cobra.Command
	p   *program
	key string // of its texts
}

// command makes a command. key names its texts: cmd.<key>, and, where there are, cmd.<key>.long and cmd.<key>.example.
func (p *program) command(key, use string) *command {
	c := &cobra.Command{
		Use:               p.named(use),
		Short:             p.t("cmd." + key),
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              p.args(0, 0),

		DisableFlagsInUseLine: true, // they would be in English
	}
	if p.cat.Has("cmd." + key + ".long") {
		c.Long = p.t("cmd." + key + ".long")
	}
	if p.cat.Has("cmd." + key + ".example") {
		c.Example = strings.TrimRight(p.t("cmd."+key+".example"), "\n")
	}
	return &command{c, p, key}
}

// parent makes a command that only has commands below it.
func (p *program) parent(key string, children ...*command) *command {
	c := p.command(key, key)
	c.Args = cobra.ArbitraryArgs
	c.SuggestionsMinimumDistance = 2
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		p.help(cmd)
		return exitError(ExitUsage)
	}
	for _, child := range children {
		c.AddCommand(child.Command)
	}
	return c
}

func unknownCommand(cmd *cobra.Command, name string) error {
	if like := cmd.SuggestionsFor(name); len(like) > 0 {
		return usage("unknown_command_like", "command", name, "like", strings.Join(like, ", "))
	}
	return usage("unknown_command", "command", name, "help", cmd.CommandPath()+" --help")
}

// args checks the number of arguments; at most 0 of more than that is any number.
func (p *program) args(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage("too_few", "use", cmd.UseLine())
		case most >= 0 && len(args) > most:
			return usage("too_many", "arg", args[most], "use", cmd.UseLine())
		}
		return nil
	}
}

// takes says how many arguments the command takes, and what completes them.
func (c *command) takes(least, most int, complete completer) *command {
	c.Args = c.p.args(least, most)
	if complete != nil {
		c.ValidArgsFunction = c.p.completion(complete)
	}
	return c
}

// usageOf is the text of a flag: flag.<key>.<name> where it means something of its own in this command, else flag.<name>.
func (c *command) usageOf(name string) string {
	if key := "flag." + c.key + "." + name; c.p.cat.Has(key) {
		return c.p.t(key)
	}
	return c.p.t("flag." + name)
}

// text adds a flag that takes a text.
func (c *command) text(dst *string, name string) *command {
	return c.code(dst, name, nil)
}

// texts adds a flag that may be given many times.
func (c *command) texts(dst *[]string, name string) *command {
	c.Flags().StringArrayVar(dst, name, nil, c.usageOf(name))
	c.completes(name, nil)
	return c
}

// code adds a flag that takes a code of the ledger, with its completion.
func (c *command) code(dst *string, name string, complete completer) *command {
	c.Flags().StringVar(dst, name, "", c.usageOf(name))
	c.completes(name, complete)
	return c
}

// choice adds a flag that takes one of some words.
func (c *command) choice(dst *choice, name string, words []string) *command {
	dst.words = words
	c.Flags().Var(dst, name, c.usageOf(name))
	c.completes(name, fixed(words))
	return c
}

// choices adds a flag that takes some of the words, with commas.
func (c *command) choices(dst *choices, name string, words []string) *command {
	dst.words = words
	c.Flags().Var(dst, name, c.usageOf(name))
	c.completes(name, fixed(words))
	return c
}

// yes adds a flag that is there or not.
func (c *command) yes(dst *bool, name string) *command {
	c.Flags().BoolVar(dst, name, false, c.usageOf(name))
	return c
}

// date adds a flag that takes a date.
func (c *command) date(dst *dateFlag, name string) *command {
	dst.vietnamese = c.p.cat.Language == locale.Vietnamese
	c.Flags().Var(dst, name, c.usageOf(name))
	c.completes(name, nil)
	return c
}

// needs says which flags must be given.
func (c *command) needs(names ...string) *command {
	for _, name := range names {
		_ = c.MarkFlagRequired(name) // it is there: the line above added it
	}
	return c
}

// runs says what the command does.
func (c *command) runs(f func(ctx context.Context, args []string) error) *command {
	c.RunE = func(cmd *cobra.Command, args []string) error { return f(cmd.Context(), args) }
	return c
}

// checkRequired tells of required flags that are missing, in the user's language.
func checkRequired(cmd *cobra.Command) error {
	var missing []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, required := f.Annotations[cobra.BashCompOneRequiredFlag]; required && !f.Changed {
			missing = append(missing, "--"+f.Name)
		}
	})
	if len(missing) > 0 {
		return usage("required", "flags", strings.Join(missing, ", "), "help", cmd.CommandPath()+" --help")
	}
	return nil
}

// A choice is a flag that takes one of some words.
type choice struct {
	words []string
	value string
}

func (c *choice) String() string { return c.value }

func (*choice) Type() string { return "word" }

func (c *choice) choose() []string { return c.words }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.words, s) {
		return usage("choice", "value", s, "words", strings.Join(c.words, ", "))
	}
	c.value = s
	return nil
}

// choices is a flag that takes some of the words, with commas.
type choices struct {
	words  []string
	values []string
}

func (c *choices) String() string { return strings.Join(c.values, ",") }

func (*choices) Type() string { return "words" }

func (c *choices) choose() []string { return c.words }

func (c *choices) Set(s string) error {
	for word := range strings.SplitSeq(s, ",") {
		if !slices.Contains(c.words, word) {
			return usage("choice", "value", word, "words", strings.Join(c.words, ", "))
		}
		if !slices.Contains(c.values, word) {
			c.values = append(c.values, word)
		}
	}
	return nil
}

// plain turns a list of words of a type into plain ones.
func plain[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
