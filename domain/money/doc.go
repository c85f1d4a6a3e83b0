// Package money handles amounts of money and quantities of goods.
//
// An amount is an int64 of minor units of the ledger's currency: dong for VND,
// cents for USD. A quantity is an int64 of thousandths of its measure. Outside
// the program both are a [Decimal], a string in the form of the contract, or a
// text as people of a [Locale] write it. Nothing in the package uses floating
// point, so no amount changes on its way in or out.
package money
