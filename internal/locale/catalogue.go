package locale

import (
	"embed"
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed catalogue/*.toml
var catalogues embed.FS

// A Language is one that soquy speaks.
type Language string

// The languages.
const (
	Vietnamese Language = "vi"
	English    Language = "en"
)

// Languages returns all languages, the default first.
func Languages() []Language { return []Language{Vietnamese, English} }

// Parse returns the language of a code such as "vi".
func Parse(code string) (Language, bool) {
	for _, l := range Languages() {
		if string(l) == strings.ToLower(code) {
			return l, true
		}
	}
	return "", false
}

// Detect returns the language that the environment asks for: English where the messages are to be English, else Vietnamese.
func Detect(env func(string) string) Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env(name); v != "" {
			if strings.HasPrefix(strings.ToLower(v), "en") {
				return English
			}
			return Vietnamese
		}
	}
	return Vietnamese
}

// A Catalogue has the texts of one language. It may be used from many goroutines.
type Catalogue struct {
	Language Language
	Currency string // ISO 4217 code of the amounts in sentences; "" when it is not known

	localizer *i18n.Localizer
	texts     map[string]bool
}

// New returns the catalogue of a language. The texts are part of the program, so one that cannot be read is a mistake in it: New panics.
func New(l Language) *Catalogue {
	tag := language.MustParse(string(l))
	bundle := i18n.NewBundle(tag)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	file, err := bundle.LoadMessageFileFS(catalogues, "catalogue/"+string(l)+".toml")
	if err != nil {
		panic(fmt.Sprintf("locale: catalogue %s: %v", l, err))
	}
	c := &Catalogue{Language: l, localizer: i18n.NewLocalizer(bundle, string(l)), texts: make(map[string]bool, len(file.Messages))}
	for _, m := range file.Messages {
		c.texts[m.ID] = true
	}
	return c
}

// In returns the catalogue for sentences about amounts of a currency.
func (c *Catalogue) In(currency string) *Catalogue {
	d := *c
	d.Currency = currency
	return &d
}

// Has reports whether there is a text of that name.
func (c *Catalogue) Has(name string) bool { return c.texts[name] }

// Text returns a text with its arguments, given as name and value in turn.
func (c *Catalogue) Text(name string, args ...string) string {
	return c.localize(&i18n.LocalizeConfig{MessageID: name, TemplateData: data(args)})
}

// Count returns a text about a number of things, in the right form; the number, grouped, is its argument "n".
func (c *Catalogue) Count(name string, n int64, args ...string) string {
	d := data(args)
	d["n"] = c.Number(fmt.Sprint(n))
	return c.localize(&i18n.LocalizeConfig{MessageID: name, TemplateData: d, PluralCount: n})
}

func (c *Catalogue) localize(config *i18n.LocalizeConfig) string {
	// A text with one form for all numbers, as Vietnamese has it, is found, and told of as incomplete.
	text, err := c.localizer.Localize(config)
	if err != nil && text == "" {
		return "[" + config.MessageID + "]" // a test keeps this from happening; a name is better than nothing
	}
	return text
}

func data(args []string) map[string]string {
	d := make(map[string]string, len(args)/2+1)
	for i := 0; i+1 < len(args); i += 2 {
		d[args[i]] = args[i+1]
	}
	return d
}

// Term returns the word of a group, such as that of "district" in "level"; a word that is not known stands for itself.
func (c *Catalogue) Term(group, word string) string {
	if name := "term." + group + "." + word; c.texts[name] {
		return c.Text(name)
	}
	return word
}

// Asset names an asset, such as "cash" or "goods:vo".
func (c *Catalogue) Asset(asset string) string {
	if item, isGoods := strings.CutPrefix(asset, "goods:"); isGoods {
		return c.Text("term.asset.goods", "item", item)
	}
	return c.Term("asset", asset)
}

// problemName is the name of the text of what is wrong with a command, such as "problem.unknown_field".
func problemName(problem string) string {
	return "problem." + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r == ' ' || r == '-':
			return '_'
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, problem)
}

// Problem says what is wrong with a command in words; what is not known stands for itself.
func (c *Catalogue) Problem(problem string) string {
	if name := problemName(problem); c.texts[name] {
		return c.Text(name)
	}
	return problem
}
