// Package eventcodec turns the commands and events of the domain into JSON and back.
//
// It is the only place where stored names stand: a field that is renamed in Go changes no stored byte. One function lists the
// members of an object (see shape.go); the same list writes and reads, so that what is written can be read.
//
// An event is stored as an envelope: the exact JSON text that the log's tree commits to, made by our own encoder since the standard
// ones differ between versions. Its keys stand in this order, and a key without value is left out:
//
//	ledger position id type schema recorded_at effective_on actor command fingerprint subjects data
//
// data has the field names of the command; what was decided follows. Amounts are decimal strings with exactly the currency's decimals,
// dates YYYY-MM-DD, instants RFC 3339 in UTC with microseconds, hashes base64.
package eventcodec
