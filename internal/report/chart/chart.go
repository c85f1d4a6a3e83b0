// Package chart maps the accounts of the books to official charts of accounts, which change from year to year. What is printed as an
// official number is data with a first and a last day, never a constant of the program.
package chart

import (
	"bytes"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/soquy/soquy/domain"
)

//go:embed chart.csv
var shipped embed.FS

// CashBookForm is what the form of the cash book is called in a chart, beside accounts.
const CashBookForm = "form:cash-book"

// A Line says what an account is called in a profile, from a day through another; a day that is nil is open.
type Line struct {
	Profile        string
	From, To       *domain.Date
	Account        string
	Number         string
	NameVI, NameEN string
}

// A Chart has the lines of profiles; of two for an account the earlier one counts.
type Chart []Line

// A SyntaxError says what is wrong in a file, and where.
type SyntaxError struct {
	Line    int
	Problem string // csv, columns, fields, needed, date, order, overlap
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// Columns are the columns of a file, in their order.
func Columns() []string {
	return []string{"profile", "from", "to", "account", "official_number", "official_name_vi", "official_name_en"}
}

// Shipped returns the chart that the program comes with. It is part of the program: one that cannot be read is a mistake in it.
func Shipped() (Chart, error) {
	raw, err := shipped.ReadFile("chart.csv")
	if err != nil {
		return nil, err
	}
	return Parse(raw)
}

// Parse reads a file. Lines that begin with '#' are remarks. Errors: *SyntaxError.
func Parse(raw []byte) (Chart, error) {
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	in.Comment, in.FieldsPerRecord = '#', -1
	var c Chart
	for header := true; ; header = false {
		fields, err := in.Read()
		if err == io.EOF && !header {
			return c, nil
		}
		var syntax *csv.ParseError
		switch {
		case errors.As(err, &syntax):
			return nil, &SyntaxError{syntax.Line, "csv"}
		case err != nil && err != io.EOF:
			return nil, err
		case header && !slices.Equal(fields, Columns()):
			return nil, &SyntaxError{1, "columns"}
		case header:
			continue
		}
		row, _ := in.FieldPos(0)
		l, problem := line(fields)
		if problem == "" && slices.ContainsFunc(c, l.overlaps) {
			problem = "overlap"
		}
		if problem != "" {
			return nil, &SyntaxError{row, problem}
		}
		c = append(c, l)
	}
}

func line(fields []string) (l Line, problem string) {
	if len(fields) != len(Columns()) {
		return l, "fields"
	}
	l = Line{Profile: fields[0], Account: fields[3], Number: fields[4], NameVI: fields[5], NameEN: fields[6]}
	if !domain.ValidCode(l.Profile) || l.Account == "" || l.Number == "" {
		return l, "needed"
	}
	for i, to := range []**domain.Date{&l.From, &l.To} {
		if s := fields[1+i]; s != "" {
			d, err := domain.ParseDate(s)
			if err != nil {
				return l, "date"
			}
			*to = &d
		}
	}
	if l.From != nil && l.To != nil && *l.To < *l.From {
		return l, "order"
	}
	return l, ""
}

func (l *Line) on(d domain.Date) bool {
	return (l.From == nil || *l.From <= d) && (l.To == nil || d <= *l.To)
}

func (l *Line) overlaps(other Line) bool {
	return l.Profile == other.Profile && l.Account == other.Account &&
		(l.From == nil || other.To == nil || *l.From <= *other.To) && (l.To == nil || other.From == nil || *other.From <= *l.To)
}

// Profiles returns the names of the profiles, each once.
func (c Chart) Profiles() []string {
	var list []string
	for i := range c {
		if !slices.Contains(list, c[i].Profile) {
			list = append(list, c[i].Profile)
		}
	}
	return list
}

// Find returns the line of an account on a day, or of the nearest account above it, or nil where the profile has none for that day.
func (c Chart) Find(profile, account string, on domain.Date) *Line {
	for {
		for i := range c {
			if l := &c[i]; l.Profile == profile && l.Account == account && l.on(on) {
				return l
			}
		}
		last := strings.LastIndexByte(account, ':')
		if last < 0 {
			return nil
		}
		account = account[:last]
	}
}
