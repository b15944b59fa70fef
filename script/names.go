package script

import (
	"fmt"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/words"
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
			return &Error{Message: fmt.Sprintf("the function %s looks like a handler, but there is no event of this name; did you mean %s?", scrub.Text(name, maxMessage), nearest)}
		}
	}
	return nil
}

// nearestEvent returns the event whose name is most like name, and how many letters
// differ.
func nearestEvent(name string) (nearest string, distance int) {
	distance = len(name) + 100
	for _, event := range events {
		if d := words.Distance(simple(name), simple(event)); d < distance {
			nearest, distance = event, d
		}
	}
	return nearest, distance
}

// simple returns a name without the ways in which names are joined. British and
// American spelling are the same.
func simple(name string) string {
	return strings.NewReplacer("_", "", "authorize", "authorise").Replace(strings.ToLower(name))
}
