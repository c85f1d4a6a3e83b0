package domain

import "strings"

// An Asset is what a holding consists of: cash, bank, or goods of one item. Labour is received and used up at once and has
// no holding.
type Asset string

// The assets that are not goods.
const (
	Cash   Asset = "cash"
	Bank   Asset = "bank"
	Labour Asset = "labour"
)

const goodsPrefix = "goods:"

// Goods returns the asset of an item.
func Goods(item string) Asset { return Asset(goodsPrefix + item) }

// IsMoney reports whether the asset is cash or bank.
func (a Asset) IsMoney() bool { return a == Cash || a == Bank }

// IsGoods reports whether the asset is goods of an item.
func (a Asset) IsGoods() bool { return strings.HasPrefix(string(a), goodsPrefix) }

// Item returns the item's code of goods, or "".
func (a Asset) Item() string {
	item, ok := strings.CutPrefix(string(a), goodsPrefix)
	if !ok {
		return ""
	}
	return item
}

// validHolding reports whether a holding of the asset can be.
func (a Asset) validHolding() bool { return a.IsMoney() || a.IsGoods() && ValidCode(a.Item()) }

const maxCode = 32

// ValidCode reports whether s is a code: [A-Za-z0-9][A-Za-z0-9._-]{0,31}.
func ValidCode(s string) bool {
	if s == "" || len(s) > maxCode {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return true
}
