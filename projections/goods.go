package projections

import (
	"context"

	"github.com/soquy/soquy/domain"
)

var goodsTable = table("goods",
	Column{"item", Text, Key},
	Column{"measure", Text, First},
	Column{"first_position", Int, First})

func foldGoods(f *Fold, e *domain.Event) error {
	var lines []domain.Line
	switch b := e.Body.(type) {
	case *domain.DonationReceived:
		lines = b.Lines
	case *domain.OpeningRecorded:
		lines = b.Lines
	}
	for i := range lines {
		if item := lines[i].Asset.Item(); item != "" {
			f.put(goodsTable, text(item), text(lines[i].Measure), num(e.Position))
		}
	}
	return nil
}

// An Item is a kind of goods. What is there of it stands in balances.
type Item struct {
	Item, Measure string
	Position      int64 // of its first use
}

// Goods answers questions about kinds of goods.
type Goods interface {
	// Goods returns all items in order of code.
	Goods(ctx context.Context) ([]Item, error)
}
