package script

import (
	"fmt"
	"slices"
	"strings"
)

// events are the events that scripts handle.
var events = []string{
	"before_action", "after_action", "after_error", "before_oauth2_authorise",
	"before_oauth2_token", "after_oauth2_token", "after_oauth2_token_error",
	"before_oauth2_refresh", "after_oauth2_refresh", "after_oauth2_refresh_error",
}

// checkNames refuses functions that look like handlers and handle nothing: their
// authors would wait for them in vain.
func checkNames(functions []string) error {
	for _, name := range functions {
		if slices.Contains(events, name) {
			continue
		}
		nearest, distance := nearestEvent(name)
		if plain := simple(name); distance <= 2 || strings.HasPrefix(plain, "before") || strings.HasPrefix(plain, "after") {
			return &Error{Message: fmt.Sprintf("the function %s looks like a handler, but there is no event of this name; did you mean %s?", clean(name, nil), nearest)}
		}
	}
	return nil
}

// nearestEvent returns the event whose name is most like name, and how many letters
// differ.
func nearestEvent(name string) (nearest string, distance int) {
	distance = len(name) + 100
	for _, event := range events {
		if d := differences(simple(name), simple(event)); d < distance {
			nearest, distance = event, d
		}
	}
	return nearest, distance
}

// simple returns a name without the ways in which names are joined. British and
// American spelling are the same.
func simple(name string) string {
	return strings.NewReplacer("_", "", "$", "", "authorize", "authorise").Replace(strings.ToLower(name))
}

// differences returns how many letters must be added, removed or replaced to make b
// of a.
func differences(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0]++
		for j := range len(b) {
			next := min(row[j], row[j+1]) + 1
			if a[i] == b[j] {
				next = min(next, diagonal)
			} else {
				next = min(next, diagonal+1)
			}
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
