package sqlite

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/soquy/soquy/projections"
)

// TestRowLimit: an answer has as many rows as it may, and one more is refused.
func TestRowLimit(t *testing.T) {
	const series = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) SELECT i FROM n`
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ask := func(n int) ([]int, error) {
		rows, err := db.QueryContext(t.Context(), series, n)
		if err != nil {
			t.Fatal(err)
		}
		return collect(rows, func(v *int) []any { return []any{v} })
	}
	if list, err := ask(projections.MaxRows); err != nil || len(list) != projections.MaxRows {
		t.Errorf("%d rows, %v", len(list), err)
	}
	var long *projections.TooManyRowsError
	if list, err := ask(projections.MaxRows + 1); !errors.As(err, &long) || list != nil {
		t.Errorf("%d rows, %v", len(list), err)
	}
}
