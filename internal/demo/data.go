package demo

import (
	"bytes"
	"embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
)

//go:embed data/units-2017.csv data/names.json data/schools.json
var data embed.FS

// unitRow is a row of units-2017.csv.
type unitRow struct{ code, parent, level, name, nameEN string }

// nameParts is what names of a people are made of.
type nameParts struct {
	Family       []string `json:"family"`
	MiddleMale   []string `json:"middle_male"`
	MiddleFemale []string `json:"middle_female"`
	GivenMale    []string `json:"given_male"`
	GivenFemale  []string `json:"given_female"`
}

// nameData is names.json: the peoples in one order, and their weights by the code of a district.
type nameData struct {
	groups  []nameParts
	weights map[string][]int
	avoid   map[string]bool
}

// schoolLevel is a level of schools with the patterns of their names: X is a place, N a number.
type schoolLevel struct {
	Code     string   `json:"code"`
	Grades   []int    `json:"grades"`
	Patterns []string `json:"patterns"`
}

// schoolData is schools.json.
type schoolData struct {
	Levels   []schoolLevel `json:"levels"`
	Chapters []string      `json:"chapters"`
}

func readUnits() ([]unitRow, error) {
	raw, err := data.ReadFile("data/units-2017.csv")
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("units-2017.csv: %w", err)
	}
	list := make([]unitRow, 0, len(rows)-1)
	for _, r := range rows[1:] {
		list = append(list, unitRow{code: r[0], parent: r[1], level: r[2], name: r[3], nameEN: r[4]})
	}
	return list, nil
}

func readNames() (*nameData, error) {
	raw, err := data.ReadFile("data/names.json")
	if err != nil {
		return nil, err
	}
	var file struct {
		Groups  map[string]nameParts       `json:"groups"`
		Weights map[string]json.RawMessage `json:"weights"`
		Avoid   []string                   `json:"avoid"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("names.json: %w", err)
	}
	var order []string
	n := &nameData{weights: map[string][]int{}, avoid: map[string]bool{}}
	for key, value := range file.Weights {
		switch key {
		case "what":
		case "order":
			err = json.Unmarshal(value, &order)
		default:
			var list []int
			err = json.Unmarshal(value, &list)
			n.weights[key] = list
		}
		if err != nil {
			return nil, fmt.Errorf("names.json: %s: %w", key, err)
		}
	}
	for _, name := range order {
		n.groups = append(n.groups, file.Groups[name])
	}
	for _, name := range file.Avoid {
		n.avoid[name] = true
	}
	return n, nil
}

func readSchools() (*schoolData, error) {
	raw, err := data.ReadFile("data/schools.json")
	if err != nil {
		return nil, err
	}
	var s schoolData
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("schools.json: %w", err)
	}
	return &s, nil
}
