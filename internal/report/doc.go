// Package report makes what people read of a ledger: data first, which the edges then write as text or JSON.
package report
