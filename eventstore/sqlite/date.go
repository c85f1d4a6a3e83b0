package sqlite

import (
	"fmt"
	"time"
)

// A dates converts between days since 1970-01-01 and 'YYYY-MM-DD'. It remembers the last one, as the events of one batch
// mostly have the same.
type dates struct {
	day  int32
	text string
}

const secondsPerDay = 24 * 60 * 60

func (d *dates) format(day int32) string {
	if d.text == "" || d.day != day {
		d.day, d.text = day, time.Unix(int64(day)*secondsPerDay, 0).UTC().Format(time.DateOnly)
	}
	return d.text
}

func (d *dates) parse(text string) (int32, error) {
	if text != d.text {
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return 0, fmt.Errorf("effective date: %w", err)
		}
		d.day, d.text = int32(t.Unix()/secondsPerDay), text
	}
	return d.day, nil
}
