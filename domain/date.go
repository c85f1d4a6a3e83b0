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
	t := time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC)
	if y, m, d := t.Date(); n[0] == 0 || y != n[0] || int(m) != n[1] || d != n[2] {
		return 0, ErrDate
	}
	return floorDays(t.Unix()), nil
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
