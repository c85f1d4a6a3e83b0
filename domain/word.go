package domain

import "slices"

// A Level is a unit's level in the association (cấp hội).
type Level string

// The levels, highest first. A unit's level is below its parent's; levels may be skipped.
const (
	Central  Level = "central"
	Province Level = "province"
	District Level = "district"
	Commune  Level = "commune"
	Chapter  Level = "chapter"
)

// Levels returns the unit levels, highest first.
func Levels() []Level { return []Level{Central, Province, District, Commune, Chapter} }

// Below reports whether l is lower in the association than other.
func (l Level) Below(other Level) bool {
	return slices.Index(Levels(), l) > slices.Index(Levels(), other)
}

// A Purpose is what a fund's money may be used for.
type Purpose string

// The purposes; the first four are the kinds of grants.
const (
	MeritAward    Purpose = "merit_award"
	Scholarship   Purpose = "scholarship"
	HardshipGrant Purpose = "hardship_grant"
	Support       Purpose = "support"
	Expense       Purpose = "expense"
)

// Purposes returns all purposes.
func Purposes() []Purpose {
	return []Purpose{MeritAward, Scholarship, HardshipGrant, Support, Expense}
}

// GrantKinds returns the purposes that are kinds of grants.
func GrantKinds() []Purpose { return Purposes()[:4] }

// purposeSet is a set of purposes as bits; 0 stands for any, as an absent list does.
type purposeSet uint8

func newPurposeSet(list []Purpose) purposeSet {
	var s purposeSet
	for _, p := range list {
		s |= 1 << slices.Index(Purposes(), p)
	}
	return s
}

func (s purposeSet) all() purposeSet {
	if s == 0 {
		return 1<<len(Purposes()) - 1
	}
	return s
}

func (s purposeSet) allows(p Purpose) bool {
	return s.all()&(1<<slices.Index(Purposes(), p)) != 0
}

// firstBeyond returns the first purpose that s allows and other does not.
func (s purposeSet) firstBeyond(other purposeSet) (Purpose, bool) {
	for i, p := range Purposes() {
		if s.all()&^other.all()&(1<<i) != 0 {
			return p, true
		}
	}
	return "", false
}

// AchievementLevels returns the levels of an award (cấp giải), highest first.
func AchievementLevels() []string {
	return []string{"international", "national", "provincial", "district", "commune", "school"}
}

// EducationLevels returns the levels of education (cấp học), lowest first.
func EducationLevels() []string {
	return []string{"preschool", "primary", "lower_secondary", "upper_secondary", "continuing", "vocational", "university", "postgraduate"}
}

// Prizes returns the grades and medals of an award.
func Prizes() []string {
	return []string{"first", "second", "third", "consolation", "gold", "silver", "bronze", "title"}
}

// Causes returns the causes of a hardship grant.
func Causes() []string {
	return []string{"poverty", "illness", "disaster", "orphan", "disability", "other"}
}

// CancelReasons returns why a grant may be cancelled.
func CancelReasons() []string {
	return []string{"declined", "moved_away", "duplicate", "wrong_entry", "died", "other"}
}

// ExpensePurposes returns what an expense may be for.
func ExpensePurposes() []string {
	return []string{"ceremony", "printing", "travel", "bank_fee", "administration", "activity", "other"}
}

// PersonKinds returns the kinds of persons; a family is an "other".
func PersonKinds() []string { return []string{"student", "teacher", "other"} }

// DonorKinds returns the kinds of donors.
func DonorKinds() []string { return []string{"organisation", "person", "anonymous"} }

// Recipient kinds beside those of persons.
const (
	CollectiveRecipient = "collective"
	UnitRecipient       = "unit"
)
