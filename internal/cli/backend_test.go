package cli_test

import (
	"testing"
	"time"

	"github.com/soquy/soquy/internal/cli"
)

// What is recorded in the early morning in Vietnam is still yesterday in UTC. Books show the ledger's day.
func TestHeadDay(t *testing.T) {
	at := time.Date(2017, 7, 4, 23, 30, 0, 0, time.UTC)
	for zone, want := range map[string]string{"Asia/Ho_Chi_Minh": "2017-07-05", "UTC": "2017-07-04", "No/Where": "2017-07-04", "America/New_York": "2017-07-04"} {
		h := cli.Head{TimeZone: zone}
		if got := h.Day(at).String(); got != want {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
}
