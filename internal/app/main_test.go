package app_test

import (
	"flag"
	"os"
	"testing"
)

var update bool

func TestMain(m *testing.M) {
	flag.BoolVar(&update, "update", false, "write the golden file: read the difference, others parse it")
	flag.Parse()
	os.Exit(m.Run())
}
