package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
)

// A completer lists what may stand in a place, each with a description after a tab.
type completer func(ctx context.Context, p *program) []string

// fixed completes words that are always the same.
func fixed(words []string) completer {
	return func(context.Context, *program) []string { return words }
}

// completes says what completes a flag; nil: nothing does.
func (c *command) completes(flag string, complete completer) {
	_ = c.RegisterFlagCompletionFunc(flag, c.p.completion(complete)) // the flag is there, and has none yet
}

// completion makes a completer into what the library asks for. After a comma the next word is completed, and after a '=' nothing is.
func (p *program) completion(complete completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		if complete == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		var list []string
		for _, word := range complete(cmd.Context(), p) {
			if word = before + word; strings.HasPrefix(word, typed) {
				list = append(list, word)
			}
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

func (p *program) completionCommand() *command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	c := p.command("completion", "completion SHELL").takes(1, 1, fixed(shells))
	c.RunE = func(cmd *cobra.Command, args []string) error {
		root := cmd.Root()
		switch args[0] {
		case "bash":
			return root.GenBashCompletionV2(p.out, true)
		case "zsh":
			return root.GenZshCompletion(p.out)
		case "fish":
			return root.GenFishCompletion(p.out, true)
		case "powershell":
			return root.GenPowerShellCompletionWithDesc(p.out)
		}
		return usage("choice", "value", args[0], "words", strings.Join(shells, ", "))
	}
	return c
}
