package local

import (
	"cmp"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/words"
)

// Near returns up to three of the names with two typing mistakes at most, or with the same
// begin as name. The most alike are first.
func Near(name string, names []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	lower := strings.ToLower(name)
	for _, n := range names {
		d := words.Distance(lower, strings.ToLower(n))
		if strings.HasPrefix(strings.ToLower(n), lower) && len(lower) >= 3 {
			d = min(d, 2)
		}
		if d <= 2 && d < len(name) {
			near = append(near, candidate{n, d})
		}
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var out []string
	for _, c := range near[:min(3, len(near))] {
		out = append(out, c.name)
	}
	return out
}
