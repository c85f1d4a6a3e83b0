package cli

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// columns are those that a list of recipients may have: the names of the contract.
func columns() []string {
	return []string{"person", "collective", "unit", "amount", "quantity", "achievement_level", "prize", "education_level", "cause"}
}

// A recipientList is a CSV file of recipients with a header, as spreadsheets write it: with a byte order mark or without, its columns
// separated by commas, semicolons (Excel, where the comma is the decimal sign) or tabs.
type recipientList struct {
	f      *form
	path   string
	flags  *recipients // what a row leaves out
	asset  domain.Asset
	header []string
}

// recipientFile reads the list that --list names.
func (f *form) recipientFile(r *recipients, asset domain.Asset) []domain.Recipient {
	file, err := os.Open(r.file)
	if err != nil {
		f.fail(fileFailure(r.file, err))
		return nil
	}
	defer file.Close()
	l := &recipientList{f: f, path: r.file, flags: r, asset: asset}
	list, err := l.read(file)
	if err != nil {
		f.fail(err)
	}
	return list
}

func (l *recipientList) read(file io.Reader) ([]domain.Recipient, error) {
	text := withoutMark(file)
	first, err := text.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fileFailure(l.path, err)
	}
	if string(first) == "\xff\xfe" || string(first) == "\xfe\xff" {
		return nil, usage("list_encoding", "path", l.path)
	}
	in := csv.NewReader(text)
	in.Comma = separator(text)
	in.TrimLeadingSpace = true
	in.FieldsPerRecord = -1 // counted below, so that the row is named
	var list []domain.Recipient
	for {
		fields, err := in.Read()
		if err == io.EOF {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			return nil, usage("list_row", "path", l.path, "row", strconv.Itoa(syntax.Line))
		}
		if err != nil {
			return nil, fileFailure(l.path, err)
		}
		row, _ := in.FieldPos(0)
		switch {
		case empty(fields): // a spreadsheet writes the separators of empty rows, too
		case l.header == nil:
			err = l.columns(fields)
		default:
			var to domain.Recipient
			to, err = l.row(fields, row)
			list = append(list, to)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(list) == 0 {
		return nil, usage("list_empty", "path", l.path)
	}
	return list, nil
}

func empty(fields []string) bool {
	return !slices.ContainsFunc(fields, func(s string) bool { return strings.TrimSpace(s) != "" })
}

// columns reads the header.
func (l *recipientList) columns(fields []string) error {
	for len(fields) > 0 && strings.TrimSpace(fields[len(fields)-1]) == "" {
		fields = fields[:len(fields)-1] // a column that has nothing
	}
	for _, name := range fields {
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(columns(), name) || slices.Contains(l.header, name) {
			return usage("list_column", "path", l.path, "column", name, "columns", strings.Join(columns(), ", "))
		}
		l.header = append(l.header, name)
	}
	return nil
}

// row reads one recipient.
func (l *recipientList) row(fields []string, row int) (domain.Recipient, error) {
	to := l.flags.recipient()
	line := strconv.Itoa(row)
	at := place{path: l.path, row: row, amountFlag: true}
	number, column := l.flags.amount, "amount"
	if len(fields) < len(l.header) || !empty(fields[len(l.header):]) {
		return to, usage("list_fields", "path", l.path, "row", line,
			"fields", strconv.Itoa(len(fields)), "columns", strconv.Itoa(len(l.header)))
	}
	for i, name := range l.header {
		v := strings.TrimSpace(fields[i])
		if v == "" {
			continue
		}
		switch name {
		case "person":
			id, err := uuid.Parse(v)
			if err != nil || len(v) != 36 || id == uuid.Nil {
				return to, usage("not_id", "name", at.text(l.f.p, name), "value", v)
			}
			to.Person = id
		case "collective":
			to.Collective = v
		case "unit":
			to.Unit = v
		case "amount", "quantity":
			number, column, at.amountFlag = v, name, false
		case "achievement_level":
			to.AchievementLevel = v
		case "prize":
			to.Prize = v
		case "education_level":
			to.EducationLevel = v
		case "cause":
			to.Cause = v
		}
	}
	if number == "" {
		return to, usage("list_amount", "path", l.path, "row", line)
	}
	to.Amount, to.Quantity = l.f.of(l.asset, at.text(l.f.p, column), number)
	l.f.places = append(l.f.places, at)
	return to, l.f.err
}

// withoutMark drops a byte order mark, with which spreadsheets begin a file.
func withoutMark(r io.Reader) *bufio.Reader {
	b := bufio.NewReaderSize(r, 64<<10)
	if mark, _ := b.Peek(3); string(mark) == "\ufeff" {
		_, _ = b.Discard(3)
	}
	return b
}

// separator finds out what separates the columns, from the first line. No column's name has any of the separators in it.
func separator(in *bufio.Reader) rune {
	begin, _ := in.Peek(4 << 10) // of a shorter file all
	line, _, _ := bytes.Cut(bytes.TrimLeft(begin, "\r\n"), []byte("\n"))
	for _, sep := range ";\t" {
		if bytes.ContainsRune(line, sep) {
			return sep
		}
	}
	return ','
}
