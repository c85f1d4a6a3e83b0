package ledger

import (
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/jcs"
)

// An Answer says what became of a command: the events that it made, or why it was refused. An answer with events is durable.
type Answer struct {
	Command     uuid.UUID
	First, Last int64 // positions
	Events      []uuid.UUID
	Vouchers    []domain.Voucher
	Repeat      bool // the command was accepted before, and this is its first answer

	Difference string      // of a count: an amount or a quantity
	Open       *OpenCounts // of a close

	Refusal *domain.Refusal
}

// OpenCounts is what a close lists as open.
type OpenCounts struct{ Grants, Pledges int64 }

// answer makes the answer of a command from its events.
func answer(command uuid.UUID, events []domain.Event, decimals int) Answer {
	a := Answer{Command: command, First: events[0].Position, Last: events[len(events)-1].Position}
	a.Events = make([]uuid.UUID, len(events))
	for i := range events {
		e := &events[i]
		a.Events[i] = e.ID
		for _, v := range e.Vouchers() {
			if !slices.Contains(a.Vouchers, v) { // there are very few
				a.Vouchers = append(a.Vouchers, v)
			}
		}
		switch body := e.Body.(type) {
		case *domain.HoldingCounted:
			if body.Asset.IsGoods() {
				a.Difference = money.FormatQuantity(body.Difference)
			} else {
				a.Difference = money.Format(body.Difference, decimals)
			}
		case *domain.PeriodClosed:
			a.Open = &OpenCounts{Grants: body.Grants, Pledges: body.Pledges}
		}
	}
	return a
}

// AppendJSON appends the answer as one JSON object without a newline. line is the input's line number; message says a refusal in
// words.
func (a *Answer) AppendJSON(dst []byte, line int64, message func(*domain.Refusal) string) []byte {
	w := jcs.Writer{Buf: dst}
	w.BeginObject()
	w.Key("line")
	w.Int(line)
	w.Key("command")
	if a.Command == uuid.Nil {
		w.String("")
	} else {
		w.String(a.Command.String())
	}
	if a.Refusal != nil {
		w.Key("refused")
		w.BeginObject()
		w.Key("code")
		w.String(string(a.Refusal.Code))
		w.Key("args")
		w.BeginObject()
		for _, arg := range a.Refusal.Args {
			w.Key(arg.Name)
			w.String(arg.Value)
		}
		w.EndObject()
		w.Key("message")
		w.String(message(a.Refusal))
		w.EndObject()
		w.EndObject()
		return w.Buf
	}
	w.Key("positions")
	w.BeginArray()
	w.Int(a.First)
	w.Int(a.Last)
	w.EndArray()
	w.Key("events")
	w.BeginArray()
	for _, id := range a.Events {
		w.String(id.String())
	}
	w.EndArray()
	w.Key("vouchers")
	w.BeginArray()
	for _, v := range a.Vouchers {
		w.BeginObject()
		w.Key("unit")
		w.String(v.Unit)
		w.Key("number")
		w.String(v.Number)
		w.EndObject()
	}
	w.EndArray()
	if a.Difference != "" {
		w.Key("difference")
		w.String(a.Difference)
	}
	if a.Open != nil {
		w.Key("open")
		w.BeginObject()
		w.Key("grants")
		w.Int(a.Open.Grants)
		w.Key("pledges")
		w.Int(a.Open.Pledges)
		w.EndObject()
	}
	w.EndObject()
	return w.Buf
}

// String names the answer in a log.
func (a *Answer) String() string {
	if a.Refusal != nil {
		return a.Command.String() + " refused: " + a.Refusal.Error()
	}
	return a.Command.String() + " at " + strconv.FormatInt(a.First, 10)
}
