package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// marshal writes a value as JSON, with nothing escaped that need not be.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// encode prints a value as one line of JSON.
func (p *program) encode(v any) error {
	raw, err := marshal(v)
	if err != nil {
		return err
	}
	return p.write(append(raw, '\n'))
}

// write writes to the output.
func (p *program) write(b []byte) error {
	if _, err := p.out.Write(b); err != nil {
		return p.outputFailed(err)
	}
	return nil
}

// root64 writes a hash as a checkpoint has it.
func root64(root [32]byte) string { return base64.StdEncoding.EncodeToString(root[:]) }

// headJSON is what every answer to a reading command begins with.
type headJSON struct {
	Ledger   string `json:"ledger"`
	Position int64  `json:"position"`
	Root     string `json:"root"`
}

func newHeadJSON(h Head) headJSON { return headJSON{h.Origin, h.Position, root64(h.Root)} }

// A grid is a table for people.
type grid struct {
	p *program
	w table.Writer
}

// table begins a table with the columns of those names; one that ends in '>' is aligned to the right.
func (p *program) table(columns ...string) *grid {
	w := table.NewWriter()
	style := table.StyleLight
	style.Format.Header, style.Format.Footer = text.FormatDefault, text.FormatDefault
	style.Options = table.Options{SeparateHeader: true, SeparateFooter: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	w.SetStyle(style)
	header := make(table.Row, len(columns))
	var configs []table.ColumnConfig
	for i, name := range columns {
		name, right := strings.CutSuffix(name, ">")
		header[i] = p.t("column." + name)
		align := text.AlignLeft
		if right {
			align = text.AlignRight
		}
		configs = append(configs, table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align, AlignFooter: align})
	}
	w.SetColumnConfigs(configs)
	w.AppendHeader(header)
	return &grid{p, w}
}

func cells(values []string) table.Row {
	row := make(table.Row, len(values))
	for i, v := range values {
		row[i] = v
	}
	return row
}

func (g *grid) row(values ...string) { g.w.AppendRow(cells(values)) }

func (g *grid) footer(values ...string) { g.w.AppendFooter(cells(values)) }

// print writes the table, or that there is nothing to show.
func (g *grid) print() {
	if g.w.Length() == 0 {
		g.p.printf("%s\n", g.p.t("table.empty"))
		return
	}
	for line := range strings.SplitSeq(g.w.Render(), "\n") {
		g.p.printf("%s\n", strings.TrimRight(line, " "))
	}
}

// pad adds blanks up to a width in characters as terminals show them.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(1, width-text.StringWidthWithoutEscSequences(s)))
}

// tail says at which head an answer was given, under a table.
func (p *program) tail(h Head) {
	key := "table.head"
	if p.past {
		key = "table.head_past"
	}
	p.printf("\n%s\n", p.t(key, "ledger", h.Origin, "position", p.cat.Number(itoa(h.Position)), "root", root64(h.Root)))
}
