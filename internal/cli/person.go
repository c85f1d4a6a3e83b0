package cli

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

func (p *program) personCommand() *command {
	return p.parent("person", p.personRegister(), p.personCorrect(), p.personMerge(), p.personErase(), p.personShow())
}

// A personalField is a part of what describes a person; its name is that of its flag and of its label.
type personalField struct {
	name  string
	value *string
}

// personalFields are the parts of a document, in the order in which people read them.
func personalFields(v *Personal) []personalField {
	return []personalField{
		{"name", &v.Name},
		{"born", &v.Born},
		{"sex", &v.Sex},
		{"school", &v.School},
		{"class", &v.Class},
		{"address", &v.Address},
		{"phone", &v.Phone},
		{"account", &v.Account},
	}
}

// personal adds the flags of what describes a person.
func (c *command) personal(v *Personal) *command {
	for _, field := range personalFields(v) {
		c.text(field.value, field.name)
	}
	return c
}

// present reads what describes a person now. It is refused where nothing does any more.
func (p *program) present(ctx context.Context, id uuid.UUID) (Personal, error) {
	r, err := p.backend.Reader(ctx, p.target())
	if err != nil {
		return Personal{}, err
	}
	defer r.Close()
	documents, err := r.Personal(ctx, []uuid.UUID{id})
	if err != nil {
		return Personal{}, err
	}
	if doc, exists := documents[id]; exists {
		return doc, nil
	}
	err = r.History(ctx, domain.PersonSubject(id), func([]byte, *domain.Event) error { return errEnough })
	switch {
	case errors.Is(err, errEnough):
		return Personal{}, domain.Refuse(domain.PersonIsErased, id.String())
	case err != nil:
		return Personal{}, err
	}
	return Personal{}, domain.Refuse(domain.ReferenceUnknown, "person", id.String())
}

func (p *program) personRegister() *command {
	var (
		kind     choice
		personal Personal
	)
	c := p.command("person.register", "register [PERSON]").takes(0, 1, nil)
	c.choice(&kind, "kind", domain.PersonKinds()).personal(&personal).needs("kind", "name")
	return c.records(func(f *form, args []string) domain.CommandBody {
		f.personal = personal.Document()
		body := &domain.RegisterPerson{Kind: kind.value}
		if len(args) > 0 {
			body.Person = f.id("PERSON", args[0])
		}
		return body
	})
}

func (p *program) personCorrect() *command {
	var personal Personal
	c := p.command("person.correct", "correct PERSON").takes(1, 1, nil).personal(&personal)
	return c.records(func(f *form, args []string) domain.CommandBody {
		body := &domain.CorrectPerson{Person: f.id("PERSON", args[0])}
		if f.err != nil {
			return body
		}
		f.personal = f.corrected(body.Person, &personal)
		return body
	})
}

// corrected is a person's present document with the fields whose flags were given; an empty flag clears its field.
func (f *form) corrected(person uuid.UUID, given *Personal) []byte {
	fields, changed := personalFields(given), 0
	for _, field := range fields {
		if f.c.Flags().Changed(field.name) {
			changed++
		}
	}
	if changed == 0 {
		f.fail(usage("nothing_to_correct"))
		return nil
	}
	doc, err := f.present(person)
	if err != nil {
		f.fail(err)
		return nil
	}
	for i, field := range personalFields(&doc) {
		if f.c.Flags().Changed(field.name) {
			*field.value = *fields[i].value
		}
	}
	return doc.Document()
}

func (p *program) personMerge() *command {
	var into string
	c := p.command("person.merge", "merge PERSON").takes(1, 1, nil).text(&into, "into").needs("into")
	return c.records(func(f *form, args []string) domain.CommandBody {
		return &domain.MergePerson{Person: f.id("PERSON", args[0]), Into: f.id("--into", into)}
	})
}

func (p *program) personErase() *command {
	var override bool
	c := p.command("person.erase", "erase PERSON").takes(1, 1, nil).yes(&override, "override")
	return c.records(func(f *form, args []string) domain.CommandBody {
		body := &domain.ErasePerson{Person: f.id("PERSON", args[0])}
		if override {
			body.Override = &override
		}
		return body
	})
}

type personJSON struct {
	headJSON
	Person   string            `json:"person"`
	Personal *personalJSON     `json:"personal"` // null: erased, or not known
	Events   []json.RawMessage `json:"events"`
}

type personalJSON struct {
	Name    string `json:"name"`
	Born    string `json:"born"`
	Sex     string `json:"sex"`
	School  string `json:"school"`
	Class   string `json:"class"`
	Address string `json:"address"`
	Phone   string `json:"phone"`
	Account string `json:"account"`
}

func (p *program) personShow() *command {
	c := p.command("person.show", "show PERSON").takes(1, 1, nil)
	return c.runs(func(ctx context.Context, args []string) error {
		id, err := parseID(p.named("PERSON"), args[0])
		if err != nil {
			return err
		}
		r, err := p.backend.Reader(ctx, p.target())
		if err != nil {
			return err
		}
		defer r.Close()
		documents, err := r.Personal(ctx, []uuid.UUID{id})
		if err != nil {
			return err
		}
		doc, exists := documents[id]
		h, err := p.history(ctx, r, domain.PersonSubject(id), KnownAt{})
		if err != nil {
			return err
		}
		if len(h.entries) == 0 {
			return domain.Refuse(domain.ReferenceUnknown, "person", id.String())
		}
		if p.json {
			answer := personJSON{headJSON: newHeadJSON(h.head), Person: id.String(), Events: h.envelopes()}
			if exists {
				personal := personalJSON(doc)
				answer.Personal = &personal
			}
			return p.encode(answer)
		}
		p.printf("%s\n", p.t("person.title", "person", id.String()))
		if !exists {
			p.printf("  %s\n", p.t("person.erased"))
		}
		for _, field := range personalFields(&doc) {
			if *field.value != "" {
				p.pair(field.name, *field.value)
			}
		}
		p.printf("\n")
		p.historyTable(h)
		return nil
	})
}
