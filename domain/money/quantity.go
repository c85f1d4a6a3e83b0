package money

// QuantityDecimals is the number of decimals of a quantity: quantities are kept
// in thousandths of their measure.
const QuantityDecimals = 3

// ParseQuantity returns d in thousandths. The error is [ErrSyntax],
// [ErrTooFine] beyond three decimals, even zeros, or [ErrTooLarge].
func ParseQuantity(d Decimal) (int64, error) {
	return d.Minor(QuantityDecimals)
}

// FormatQuantity returns v thousandths as the shortest canonical decimal:
// 5000 is "5" and 1500 is "1.5".
func FormatQuantity(v int64) string {
	var buf [32]byte
	return string(AppendQuantity(buf[:0], v))
}

// AppendQuantity appends what [FormatQuantity] returns to dst.
func AppendQuantity(dst []byte, v int64) []byte {
	return appendQuantity(dst, v, 0, '.')
}

// FormatQuantityLocal returns v thousandths as people of loc write it, in
// groups and without needless zeros: 1234500 is "1.234,5" in Vietnamese and
// "1,234.5" in English.
func FormatQuantityLocal(v int64, loc Locale) string {
	var buf [32]byte
	group, point := loc.marks()
	return string(appendQuantity(buf[:0], v, group, point))
}

func appendQuantity(dst []byte, v int64, group, point byte) []byte {
	decimals := QuantityDecimals
	for decimals > 0 && v%10 == 0 {
		v /= 10
		decimals--
	}
	return appendNumber(dst, v, decimals, group, point)
}
