package domain

import "github.com/google/uuid"

// OpenGrants returns copies of the grants that the book keeps, so that tests compare them with what the log says.
func (b *Book) OpenGrants() map[uuid.UUID]Grant {
	m := make(map[uuid.UUID]Grant, len(b.grants))
	for id, g := range b.grants {
		m[id] = *g
	}
	return m
}
