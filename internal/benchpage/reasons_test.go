package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAReasonStandsOnlyBesideARowThatIsNotMet(t *testing.T) {
	const met, failed, unknown = "Basic", "an empty hook", "a row without a reason"
	lines := whyNot([]row{{What: met, Met: "yes"}, {What: failed, Met: "**no**"}, {What: unknown, Met: "**no**"}})
	assert.Equal(t, []line{{failed, reasons[failed]}}, lines)
}

func TestEachReasonHasARow(t *testing.T) {
	rows := map[string]bool{}
	for _, g := range append(append([]goal{}, design...), more...) {
		rows[g.what] = true
	}
	for _, what := range grows {
		rows[what] = true
	}
	for what := range reasons {
		assert.True(t, rows[what], what)
	}
}

func TestThePageTellsWhyNot(t *testing.T) {
	v := asked(t)
	page, err := v.page("")
	assert.NoError(t, err)
	assert.NotContains(t, string(page), reasons["an empty hook"])
	v.measured["Ratio/hook_to_floor"]["ratio"] = []float64{1.61}
	page, err = v.page("")
	assert.NoError(t, err)
	assert.Contains(t, string(page), "| an empty hook | "+reasons["an empty hook"]+" |")
}

func TestATenantBesideHostileOnesHasAnAbsoluteGoal(t *testing.T) {
	for beside, want := range map[float64]string{5: "yes", 5.01: "**no**"} {
		v := asked(t)
		v.measured["script.Tenants/beside_seven"]["ms-p99"] = []float64{beside}
		rows, err := v.rows(more)
		assert.NoError(t, err)
		for _, r := range rows {
			if r.What == "a message with a script, beside seven hostile tenants" {
				assert.Equal(t, want, r.Met, beside)
			}
		}
	}
}
