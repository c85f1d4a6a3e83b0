package demo

import (
	"io"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

func TestKey(t *testing.T) {
	for _, seed := range []uint64{0, 1, 1<<64 - 1} {
		skey, vkey := Key(seed)
		signer, err := note.NewSigner(skey)
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := note.Sign(&note.Note{Text: "text\n"}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open(signed, note.VerifierList(verifier)); err != nil {
			t.Error(err)
		}
		if signer.Name() != Origin(seed) {
			t.Errorf("the key's name is %s, want %s", signer.Name(), Origin(seed))
		}
		if again, _ := Key(seed); again != skey {
			t.Error("the key differs when made again")
		}
	}
	_, vkey := Key(1)
	golden(t, "testdata/seed-1.key", vkey)
}

func TestSeedOf(t *testing.T) {
	for _, seed := range []uint64{0, 7, 1<<64 - 1} {
		if got, ok := SeedOf(Origin(seed)); !ok || got != seed {
			t.Errorf("SeedOf(Origin(%d)) = %d, %t", seed, got, ok)
		}
	}
	for _, origin := range []string{
		"", "soquy.invalid/demo-", "soquy.invalid/demo-01", "soquy.invalid/demo-+1", "soquy.invalid/demo--1",
		"soquy.invalid/demo-18446744073709551616", "example.org/soquy", "soquy.invalid/demo-1 ",
	} {
		if seed, ok := SeedOf(origin); ok {
			t.Errorf("SeedOf(%q) = %d", origin, seed)
		}
	}
}

func TestClock(t *testing.T) {
	source, clock := Source(1)
	if !source.Given {
		t.Error("the clock is not given")
	}
	at := func(want time.Time) {
		t.Helper()
		if got := source.Now(); !got.Equal(want) {
			t.Errorf("the clock shows %s, want %s", got, want)
		}
	}
	at(opened())
	one, two := opened().Add(time.Hour), opened().Add(2*time.Hour)
	clock.Push(one)
	clock.Push(two)
	at(one)
	at(two)
	at(two)
	clock.Push(two.Add(time.Second))
	at(two.Add(time.Second))
}

func TestSourceIsSeeded(t *testing.T) {
	read := func(seed uint64) [64]byte {
		source, _ := Source(seed)
		var b [64]byte
		if _, err := io.ReadFull(source.Random, b[:]); err != nil {
			t.Fatal(err)
		}
		return b
	}
	if one, again := read(1), read(1); one != again || one == read(2) {
		t.Error("randomness does not follow from the seed")
	}
}
