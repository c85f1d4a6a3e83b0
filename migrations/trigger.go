package migrations

import (
	"io/fs"
	"regexp"
	"slices"
)

// A Trigger is one that the migrations make.
type Trigger struct {
	Name, Table string
	SQL         string // the statement, without a semicolon at its end
}

// changeOfTrigger finds the statements of a migration for SQLite that make or drop a trigger. The body of one ends in a line of its own.
var changeOfTrigger = regexp.MustCompile(`(?ms)^CREATE TRIGGER (\w+) .*? ON (\w+).*?^END;|^DROP TRIGGER (\w+);`)

// Triggers returns the triggers that an SQLite file of this program has, so that one that was dropped or replaced is noticed.
func Triggers() ([]Trigger, error) {
	names, err := fs.Glob(files, string(SQLite)+"/*.sql") // in order
	if err != nil {
		return nil, err
	}
	var list []Trigger
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		for _, m := range changeOfTrigger.FindAllStringSubmatch(string(text), -1) {
			made, table, dropped := m[1], m[2], m[3]
			if dropped != "" {
				list = slices.DeleteFunc(list, func(t Trigger) bool { return t.Name == dropped })
				continue
			}
			list = append(list, Trigger{made, table, m[0][:len(m[0])-len(";")]})
		}
	}
	return list, nil
}
