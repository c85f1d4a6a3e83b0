package app_test

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// TestWrongReadModels: nobody closes the books by read models that are wrong, and a replay finds them.
func TestWrongReadModels(t *testing.T) {
	const history = `{"type":"register_unit","effective_on":"2017-01-01","data":{"code":"T","level":"province","name":"T"}}
{"type":"open_fund","effective_on":"2017-01-01","data":{"code":"HB","unit":"T","name":"HB"}}
{"type":"register_donor","effective_on":"2017-01-01","data":{"code":"A","kind":"organisation","name":"A"}}
{"type":"receive_donation","effective_on":"2017-06-10","data":{"fund":"HB","donor":"A","lines":[{"asset":"cash","amount":"1000000"}]}}
{"type":"receive_donation","effective_on":"2017-06-11","data":{"fund":"HB","donor":"A","lines":[{"asset":"cash","amount":"1000000"}]}}
`
	for name, statement := range map[string]string{
		"a balance": `UPDATE balance_buckets SET posted = posted + 1`,
		"a voucher": `DELETE FROM vouchers WHERE number = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			s := soquy{db: filepath.Join(t.TempDir(), "a.db")}
			s.run(t, 0, "", "init")
			s.run(t, 0, history, "record", "-")
			s.run(t, 0, "", "replay")
			db, err := sql.Open("sqlite", s.db)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			s.run(t, 3, "", "replay")
			s.run(t, 3, "", "period", "close", "--through", "2017-06-30")
			s.run(t, 0, "", "rebuild")
			s.run(t, 0, "", "replay")
			s.run(t, 0, "", "period", "close", "--through", "2017-06-30")
		})
	}
}
