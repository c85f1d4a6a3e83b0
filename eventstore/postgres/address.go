package postgres

import (
	"errors"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// An AddressError says that the address of a database cannot be read. It holds nothing of the address itself, which has a password
// in it more often than not.
type AddressError struct {
	Reason string // in the driver's words, such as "sslmode is invalid"; "" when they would repeat the address
}

func (e *AddressError) Error() string {
	if e.Reason == "" {
		return "the address of the database cannot be read"
	}
	return "the address of the database cannot be read: " + e.Reason
}

// addressError takes the address out of what the driver says about it.
func addressError(err error) error {
	var parse *pgconn.ParseConfigError
	var malformed *url.Error
	if !errors.As(err, &parse) || errors.As(err, &malformed) {
		return &AddressError{}
	}
	// The driver says: cannot parse `the address`: what is wrong with it (why).
	text := err.Error()
	at := strings.LastIndex(text, "`: ")
	if at < 0 {
		return &AddressError{}
	}
	reason := text[at+len("`: "):]
	for _, part := range []string{"as URL", "keyword/value", "@"} {
		if strings.Contains(reason, part) {
			return &AddressError{}
		}
	}
	return &AddressError{Reason: reason}
}
