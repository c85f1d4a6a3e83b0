// Package locale speaks to people: the catalogues of Vietnamese and English texts, numbers and dates as they are written, the order of
// Vietnamese names, and the search without accents.
//
// What another package knows by a stable word, such as a refusal's code or a measure, this package has a text for in both languages. It
// imports none of ours; numbers come as canonical decimals and dates as YYYY-MM-DD, which is how everything outside the core has them.
package locale
