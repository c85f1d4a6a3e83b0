package ledger

import (
	"github.com/soquy/soquy/internal/eventcodec"
)

// A Request is a command as it was asked for.
type Request = eventcodec.Request

// A Parser reads requests from lines of JSON; see contract.md.
type Parser = eventcodec.Parser

// A Personal is what names or describes a person; Document makes it the Personal of a Request.
type Personal = eventcodec.Personal

// MaxLine is the size limit of a line in bytes.
const MaxLine = eventcodec.MaxLine
