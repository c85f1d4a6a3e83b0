package demo

import ("testing")

func TestMany(t *testing.T) {
	for seed := uint64(10); seed < 40; seed++ {
		p, b := recordPlan(t, seed)
		f := readFacts(b.log)
		checkFigures(t, f); checkStructure(t, f); checkGrants(t, f); checkLife(t, p, b, f)
		if t.Failed() { t.Fatal(seed) }
	}
}
