package cli

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

func (p *program) personCommand() *command {
	return p.parent("person", p.personRegister(), p.personCorrect(), p.personMerge(), p.personErase(), p.personShow())
}

// personal adds the flags of what describes a person.
func (c *command) personal(v *Personal) *command {
	c.text(&v.Name, "name").text(&v.Born, "born").text(&v.Sex, "sex").text(&v.School, "school").text(&v.Class, "class")
	return c.text(&v.Address, "address").text(&v.Phone, "phone").text(&v.Account, "account").needs("name")
}

func (p *program) personRegister() *command {
	var (
		kind     choice
		personal Personal
	)
	c := p.command("person.register", "register [PERSON]").takes(0, 1, nil)
	c.choice(&kind, "kind", domain.PersonKinds()).personal(&personal).needs("kind")
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
		f.personal = personal.Document()
		return &domain.CorrectPerson{Person: f.id("PERSON", args[0])}
	})
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
		id, err := parseID("PERSON", args[0])
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
		h, err := p.history(ctx, r, domain.PersonSubject(id))
		if err != nil {
			return err
		}
		if len(h.entries) == 0 {
			return usage("reference", "kind", "person", "value", args[0])
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
		for _, line := range []struct{ label, value string }{
			{"name", doc.Name},
			{"born", doc.Born},
			{"sex", doc.Sex},
			{"school", doc.School},
			{"class", doc.Class},
			{"address", doc.Address},
			{"phone", doc.Phone},
			{"account", doc.Account},
		} {
			if line.value != "" {
				p.pair(line.label, line.value)
			}
		}
		p.printf("\n")
		p.historyTable(h)
		return nil
	})
}
