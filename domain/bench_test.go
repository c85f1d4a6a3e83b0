package domain_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// hot is a ledger whose fund has moved on every day of a year, so that its curve is long.
func hot(b *testing.B) *ledger {
	l := province(b)
	l.day = date("2017-01-01")
	for range 365 {
		l.given(donate("XQ", "1000"), spend("XQ", "10"))
		l.day++
	}
	return l
}

func BenchmarkDecide(b *testing.B) {
	for _, late := range []int{0, 300} {
		b.Run(fmt.Sprintf("donation/%d_days_late", late), func(b *testing.B) {
			l := hot(b)
			l.day -= domain.Date(late)
			c := l.command(donate("XQ", "500000"))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := domain.Decide(&l.book, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("expense/300_days_late", func(b *testing.B) {
		l := hot(b)
		l.day -= 300
		c := l.command(spend("XQ", "5"))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := domain.Decide(&l.book, c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("grant/300_recipients_paid", func(b *testing.B) {
		l := hot(b)
		list := make([]uuid.UUID, 300)
		for i := range list {
			list[i] = an
		}
		c := l.command(paid(award("XQ", "5", list...)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := domain.Decide(&l.book, c); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEvolve(b *testing.B) {
	for _, late := range []int{0, 300} {
		b.Run(fmt.Sprintf("donation/%d_days_late", late), func(b *testing.B) {
			l := hot(b)
			l.day -= domain.Date(late)
			e := l.decide(donate("XQ", "500000")).events[0]
			b.ReportAllocs()
			for b.Loop() {
				l.book.Evolve(&e)
				e.Position++
			}
		})
	}
}

func BenchmarkMarshal(b *testing.B) {
	l := hot(b)
	for i := range 5_000 {
		l.given(&domain.RegisterPerson{Person: uuid.UUID{0: 8, 14: byte(i >> 8), 15: byte(i)}, Kind: "student"})
	}
	data := l.bytes()
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := l.book.MarshalBinary(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			var book domain.Book
			if err := book.UnmarshalBinary(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
