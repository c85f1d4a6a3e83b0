package domain

import (
	"errors"
	"time"
)

// A Date is a civil date, in days since 1970-01-01.
type Date int32

// ErrDate says that a text is not a date that exists, written YYYY-MM-DD.
var ErrDate = errors.New("not a date YYYY-MM-DD")

const secondsPerDay = 24 * 60 * 60

// NewDate returns the date of a year, month and day, which must exist.
func NewDate(year int, month time.Month, day int) Date {
	return floorDays(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix())
}

// DateOf returns the UTC date of an instant.
func DateOf(t time.Time) Date {
	y, m, d := t.UTC().Date()
	return NewDate(y, m, d)
}

// ParseDate reads YYYY-MM-DD; the year is 0001 to 9999.
func ParseDate(s string) (Date, error) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, ErrDate
	}
	var n [3]int
	for i, part := range [3]string{s[:4], s[5:7], s[8:]} {
		for j := range len(part) {
			c := part[j]
			if c < '0' || c > '9' {
				return 0, ErrDate
			}
			n[i] = n[i]*10 + int(c-'0')
		}
	}
	y, m, d := n[0], n[1], n[2]
	if y == 0 || m < 1 || m > 12 || d < 1 || d > 28 && d > daysIn(y, m) {
		return 0, ErrDate
	}
	// Counted from 1 March of the year 0, so that a leap day is the last of its year. The library takes five times as long, and each
	// event has several dates.
	if m < 3 {
		y, m = y-1, m+12
	}
	const epoch = 719_468 // 1970-01-01
	return Date(365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 1 - epoch), nil
}

// daysIn returns how many days a month has.
func daysIn(year, month int) int {
	switch {
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	case month == 2:
		return 28
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	}
	return 31
}

// floorDays turns seconds since 1970 into days, also before 1970.
func floorDays(sec int64) Date {
	d := sec / secondsPerDay
	if sec%secondsPerDay < 0 {
		d--
	}
	return Date(d)
}

// Time returns the midnight, UTC, that the date begins with.
func (d Date) Time() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// Year returns the date's year.
func (d Date) Year() int { return d.Time().Year() }

// String returns YYYY-MM-DD.
func (d Date) String() string { return string(d.Append(nil)) }

// Append appends YYYY-MM-DD to dst.
func (d Date) Append(dst []byte) []byte {
	y, m, day := d.Time().Date()
	return append(dst,
		byte('0'+y/1000), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-',
		byte('0'+int(m)/10), byte('0'+int(m)%10), '-',
		byte('0'+day/10), byte('0'+day%10))
}
