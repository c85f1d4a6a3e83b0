package jcs_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/soquy/soquy/internal/jcs"
)

func TestTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := make(jcs.Texts, 4) // so few that they share places
		for _, s := range rapid.SliceOf(rapid.StringN(0, 80, 80)).Draw(t, "texts") {
			if got := texts.Of([]byte(s)); got != s {
				t.Fatalf("Of(%q) = %q", s, got)
			}
		}
	})
	texts := make(jcs.Texts, 4)
	b := []byte("grant:1")
	if got := testing.AllocsPerRun(100, func() { texts.Of(b) }); got != 0 {
		t.Errorf("a known text costs %v allocations", got)
	}
	kept := texts.Of(b)
	b[0] = 'x'
	if kept != "grant:1" || texts.Of([]byte(strings.Repeat("a", 1_000))) != strings.Repeat("a", 1_000) {
		t.Errorf("kept %q", kept)
	}
}
