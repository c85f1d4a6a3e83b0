package cli

import (
	"context"
	"slices"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

func (p *program) unitCommand() *command {
	return p.parent("unit", p.unitRegister(), p.unitRename(), p.unitMove(), p.unitMerge(), p.unitClose(), p.unitList())
}

func (p *program) unitRegister() *command {
	var (
		u     domain.RegisterUnit
		level choice
	)
	c := p.command("unit.register", "register CODE").takes(1, 1, nil)
	c.choice(&level, "level", plain(domain.Levels())).code(&u.Parent, "parent", units)
	c.text(&u.Name, "name").text(&u.NameEN, "name-en").text(&u.Official, "official").text(&u.Address, "address")
	return c.needs("level", "name").records(func(_ *form, args []string) domain.CommandBody {
		u.Code, u.Level = args[0], domain.Level(level.value)
		return &u
	})
}

func (p *program) unitRename() *command {
	var u domain.RenameUnit
	c := p.command("unit.rename", "rename UNIT").takes(1, 1, units)
	c.text(&u.Name, "name").text(&u.NameEN, "name-en").needs("name")
	return c.records(func(_ *form, args []string) domain.CommandBody {
		u.Unit = args[0]
		return &u
	})
}

func (p *program) unitMove() *command {
	var u domain.MoveUnit
	c := p.command("unit.move", "move UNIT").takes(1, 1, units)
	c.code(&u.Parent, "parent", units).needs("parent")
	return c.records(func(_ *form, args []string) domain.CommandBody {
		u.Unit = args[0]
		return &u
	})
}

func (p *program) unitMerge() *command {
	var u domain.MergeUnit
	c := p.command("unit.merge", "merge UNIT").takes(1, 1, units)
	c.code(&u.Into, "into", units).needs("into")
	return c.records(func(_ *form, args []string) domain.CommandBody {
		u.Unit = args[0]
		return &u
	})
}

func (p *program) unitClose() *command {
	return p.command("unit.close", "close UNIT").takes(1, 1, units).records(func(_ *form, args []string) domain.CommandBody {
		return &domain.CloseUnit{Unit: args[0]}
	})
}

type unitsJSON struct {
	headJSON
	Rows []unitJSON `json:"rows"`
}

type unitJSON struct {
	Unit     string  `json:"unit"`
	Parent   string  `json:"parent"`
	Level    string  `json:"level"`
	Name     string  `json:"name"`
	NameEN   string  `json:"name_en"`
	Official string  `json:"official"`
	Address  string  `json:"address"`
	Opened   string  `json:"opened"`
	Closed   *string `json:"closed"`
	Into     string  `json:"into"`
}

func (p *program) unitList() *command {
	var (
		level  choice
		within string
		all    bool
	)
	c := p.command("unit.list", "list").choice(&level, "level", plain(domain.Levels())).code(&within, "within", units).yes(&all, "all")
	return c.runs(func(ctx context.Context, _ []string) error {
		return p.read(ctx, func(v View) error {
			if err := known(ctx, v, "unit", list(within)); err != nil {
				return err
			}
			rows, err := v.Units(ctx)
			if err != nil {
				return err
			}
			tree, err := v.Tree(ctx)
			if err != nil {
				return err
			}
			rows = slices.DeleteFunc(rows, func(u projections.Unit) bool {
				return u.Closed != nil && !all || level.value != "" && string(u.Level) != level.value ||
					within != "" && !tree.Within(u.Code, within, nil)
			})
			if p.json {
				return p.unitsJSON(v.Head(), rows)
			}
			p.unitsTable(v.Head(), rows)
			return nil
		})
	})
}

func (p *program) unitsJSON(h Head, rows []projections.Unit) error {
	answer := unitsJSON{headJSON: newHeadJSON(h), Rows: make([]unitJSON, len(rows))}
	for i := range rows {
		u := &rows[i]
		answer.Rows[i] = unitJSON{
			Unit: u.Code, Parent: u.Parent, Level: string(u.Level), Name: u.Name, NameEN: u.NameEN, Official: u.Official,
			Address: u.Address, Opened: u.Opened.String(), Closed: dateJSON(u.Closed), Into: u.Into,
		}
	}
	return p.encode(answer)
}

func (p *program) unitsTable(h Head, rows []projections.Unit) {
	t := p.table("unit", "level", "name", "parent", "state")
	for i := range rows {
		u := &rows[i]
		t.row(u.Code, p.cat.Term("level", string(u.Level)), p.name(u.Name, u.NameEN), u.Parent, p.closed(u.Closed, u.Into))
	}
	t.print()
	p.tail(h)
}

// closed says since when something is closed, and into what it was merged.
func (p *program) closed(on *domain.Date, into string) string {
	switch {
	case on == nil:
		return ""
	case into != "":
		return p.t("state.merged", "day", p.date(*on), "into", into)
	}
	return p.t("state.closed", "day", p.date(*on))
}
