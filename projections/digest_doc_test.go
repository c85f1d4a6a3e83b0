package projections_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/soquy/soquy/projections"
)

// A third party computes digests from the page of the reference: it must name every table and column as it is.
func TestDigestsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/reference/digests.md")
	if err != nil {
		t.Fatal(err)
	}
	types := map[projections.Type]string{
		projections.Int: "int", projections.Bool: "bool", projections.Day: "day", projections.Date: "date", projections.Instant: "instant",
		projections.Text: "text", projections.Bytes: "bytes", projections.ID: "id",
	}
	for _, m := range projections.Models() {
		for _, table := range m.Tables {
			var columns []string
			for i, c := range table.Columns {
				name := "`" + c.Name + "`"
				if i < table.Keys {
					name = "**" + name + "**"
				}
				columns = append(columns, name+" "+types[c.Type])
			}
			line := fmt.Sprintf("| `%s` %d | `%s` | %s |\n", m.Name, m.Version, table.Name, strings.Join(columns, ", "))
			if !strings.Contains(string(page), line) {
				t.Errorf("docs/reference/digests.md lacks\n%s", line)
			}
		}
	}
}
