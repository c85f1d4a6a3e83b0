package domain_test

import (
	"testing"

	"github.com/soquy/soquy/domain"
)

func TestRegisterUnit(t *testing.T) {
	l := open(t, "VND")
	root := &domain.RegisterUnit{Code: "T", Level: domain.Province, Name: "Tỉnh hội", NameEN: "Province", Official: "11", Address: "1 Lê Lợi"}
	l.on("2017-01-01").when(root).then((*domain.UnitRegistered)(root)).subjects().effects().posts()
	l.when(&domain.RegisterUnit{Code: "U", Level: domain.Central, Name: "U"}).
		refused(domain.CommandMalformed, "/data/parent", "required")
	l.on("2017-02-01").given(&domain.RegisterUnit{Code: "X", Parent: "T", Level: domain.Commune, Name: "X"}) // a level may be skipped
	l.when(&domain.RegisterUnit{Code: "Y", Parent: "X", Level: domain.Commune, Name: "Y"}).
		refused(domain.UnitLevel, "Y", "commune", "X", "commune")
	l.on("2017-01-31").when(&domain.RegisterUnit{Code: "C", Parent: "X", Level: domain.Chapter, Name: "C"}).
		refused(domain.DateTooEarly, "2017-01-31", "2017-02-01")
}

func TestLevels(t *testing.T) {
	levels := []domain.Level{domain.Central, domain.Province, domain.District, domain.Commune, domain.Chapter}
	equal(t, "levels", domain.Levels(), levels)
	for i, a := range levels {
		for j, b := range levels {
			if got, want := a.Below(b), i > j; got != want {
				t.Errorf("%s.Below(%s) = %v", a, b, got)
			}
		}
	}
}

func TestRenameUnit(t *testing.T) {
	l := province(t)
	rename := &domain.RenameUnit{Unit: "X", Name: "Xã mới", NameEN: "New"}
	l.on("2017-05-01").when(rename).then((*domain.UnitRenamed)(rename)).subjects()
	l.on("2016-12-31").when(rename).refused(domain.DateTooEarly, "2016-12-31", "2017-01-01")
}

func TestMoveUnit(t *testing.T) {
	l := province(t)
	move := &domain.MoveUnit{Unit: "X", Parent: "T"}
	l.on("2017-05-01").when(move).then((*domain.UnitMoved)(move)).subjects()
	// Changes of one unit are in the order of their dates.
	l.on("2017-04-30").when(&domain.MoveUnit{Unit: "X", Parent: "H"}).refused(domain.DateTooEarly, "2017-04-30", "2017-05-01")
	l.on("2017-05-01").given(&domain.MoveUnit{Unit: "X", Parent: "H"})
	// Not before the registration of the new parent.
	l.on("2017-06-01").given(&domain.RegisterUnit{Code: "H2", Parent: "T", Level: domain.District, Name: "H2"})
	l.on("2017-05-31").when(&domain.MoveUnit{Unit: "Y", Parent: "H2"}).refused(domain.DateTooEarly, "2017-05-31", "2017-06-01")
	l.on("2017-07-01").when(&domain.MoveUnit{Unit: "Y", Parent: "C"}).refused(domain.UnitLevel, "Y", "commune", "C", "chapter")
	// A unit below itself has the wrong level too, which stands first.
	l.when(&domain.MoveUnit{Unit: "H", Parent: "X"}).refused(domain.UnitLevel, "H", "district", "X", "commune")
	l.when(&domain.MoveUnit{Unit: "H", Parent: "H"}).refused(domain.UnitLevel, "H", "district", "H", "district")
}

func TestMergeUnit(t *testing.T) {
	l := province(t)
	l.on("2017-02-01").given(donate("XQ", "100"), &domain.OpenFund{Code: "X2", Unit: "X", Name: "X2"}, &domain.CloseFund{Fund: "X2"})
	merge := &domain.MergeUnit{Unit: "X", Into: "Y"}
	l.on("2017-07-01").when(merge).then((*domain.UnitMerged)(merge)).subjects()
	// The open fund went along, with what it has; vouchers are of its new unit.
	l.has("XQ cash 100/0")
	l.when(spend("XQ", "40")).vouchers("Y PC-2017-000001")
	l.when(donate("XQ", "1")).vouchers("Y PT-2017-000001")
	// So did the chapter, on the day of the merger.
	l.when(&domain.CloseUnit{Unit: "Y"}).refused(domain.UnitNotEmpty, "Y", "1", "2")
	l.on("2017-06-30").when(&domain.CloseUnit{Unit: "C"}).refused(domain.DateTooEarly, "2017-06-30", "2017-07-01")
	// X is closed.
	l.on("2017-07-01")
	for _, body := range []domain.CommandBody{
		&domain.MergeUnit{Unit: "X", Into: "Y"},
		&domain.MergeUnit{Unit: "C", Into: "X"},
		&domain.MoveUnit{Unit: "X", Parent: "T"},
		&domain.RenameUnit{Unit: "X", Name: "X"},
		&domain.CloseUnit{Unit: "X"},
		&domain.RegisterUnit{Code: "X3", Parent: "X", Level: domain.Chapter, Name: "X3"},
		&domain.OpenFund{Code: "X4", Unit: "X", Name: "X4"},
		&domain.ClosePeriod{Through: date("2017-01-31"), Unit: "X"},
		&domain.MakeGrant{Kind: domain.Support, Fund: "TQ", Asset: domain.Cash, Recipients: []domain.Recipient{{Unit: "X", Amount: "1"}}},
	} {
		l.when(body).refused(domain.UnitIsClosed, "X")
	}
	// An indicator of the past may still be reported.
	l.given(&domain.ReportIndicator{Unit: "X", Indicator: "members", Value: "7", From: date("2017-01-01"), To: date("2017-06-30")})
}

func TestMergeUnitRefused(t *testing.T) {
	l := province(t)
	l.on("2017-07-01")
	l.when(&domain.MergeUnit{Unit: "X", Into: "X"}).refused(domain.UnitCycle, "X", "X")
	l.when(&domain.MergeUnit{Unit: "X", Into: "C"}).refused(domain.UnitLevel, "C", "chapter", "C", "chapter")
	l.when(&domain.MergeUnit{Unit: "H", Into: "C"}).refused(domain.UnitLevel, "X", "commune", "C", "chapter")
	// Not before a child came.
	l.given(&domain.MoveUnit{Unit: "C", Parent: "Y"})
	l.on("2017-06-30").when(&domain.MergeUnit{Unit: "Y", Into: "X"}).refused(domain.DateTooEarly, "2017-06-30", "2017-07-01")
}

func TestCloseUnit(t *testing.T) {
	l := province(t)
	l.on("2017-07-01").when(&domain.CloseUnit{Unit: "X"}).refused(domain.UnitNotEmpty, "X", "1", "1")
	l.when(&domain.CloseUnit{Unit: "C"}).then(&domain.UnitClosed{Unit: "C"}).subjects()
	l.when(&domain.CloseUnit{Unit: "X"}).refused(domain.UnitNotEmpty, "X", "0", "1")
	l.given(&domain.CloseFund{Fund: "XQ"}, &domain.CloseUnit{Unit: "X"})
	l.when(&domain.RegisterUnit{Code: "X", Parent: "H", Level: domain.Commune, Name: "X"}).refused(domain.ReferenceTaken, "unit", "X")
}
