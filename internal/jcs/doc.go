// Package jcs writes JSON as RFC 8785 (JSON Canonicalization Scheme) demands
// and reads JSON strictly, without reflection.
//
// The bytes of an event are hashed and kept for ever, so the encoder is ours:
// encoding/json changed its escaping between versions, and may again. For the
// same reason the [Reader] accepts one reading of a text only: it refuses what
// other parsers resolve each in their own way, such as duplicate keys, lone
// surrogates and invalid UTF-8 (RFC 7493, I-JSON). Noncharacters such as
// U+FFFF, which I-JSON discourages and every parser reads alike, are passed.
//
// JSON in this module has no floating-point numbers: amounts are strings, and
// the numbers that remain are integers of at most [MaxInt] in magnitude, so
// that the hardest part of RFC 8785, the shortest form of a double, is not
// needed.
package jcs

// MaxInt is the largest magnitude of an integer, 2^53-1: what RFC 7493 §2.2
// calls interoperable, because it survives a reader that knows only doubles.
const MaxInt = 1<<53 - 1

// MaxDepth is how deep objects and arrays may nest. A text of one flat object
// has depth 1.
const MaxDepth = 32
