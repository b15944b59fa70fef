package connectorauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/connectorauth/connectorauth/internal/renew"
)

// maxExtra limits the extra members of a token, as JSON.
const maxExtra = 64 << 10

// mergeExtra returns the extra members of a token: those of the newest response,
// and those of the responses before that the newest leaves out. Of too many
// members, old ones go first, except those named in kept, and the largest next. left
// tells how many had to go.
func mergeExtra[V any](old, newest map[string]V, kept []string) (extra map[string]V, left int32) {
	extra = maps.Clone(old)
	if extra == nil {
		extra = make(map[string]V, len(newest))
	}
	maps.Copy(extra, newest)
	sizes, total := make(map[string]int, len(extra)), 2
	for name, value := range extra {
		raw, _ := json.Marshal(map[string]any{name: value})
		sizes[name] = len(raw) - 1 // without braces, with a comma
		total += sizes[name]
	}
	if total <= maxExtra {
		if len(extra) == 0 {
			extra = nil
		}
		return extra, 0
	}
	drop := func(name string) {
		total -= sizes[name]
		delete(extra, name)
		left++
	}
	for name := range old {
		if _, repeated := newest[name]; !repeated && !slices.Contains(kept, name) {
			drop(name)
		}
	}
	largest := slices.SortedFunc(maps.Keys(extra), func(a, b string) int { return sizes[b] - sizes[a] })
	for _, name := range largest {
		if total <= maxExtra {
			break
		}
		drop(name)
	}
	return extra, left
}

// notKept returns the event's error for what could not be kept of the token
// responses, or nil: members that had to go, and an expiry of no use.
func notKept(left int32, unread bool) error {
	var problems []error
	if left > 0 {
		problems = append(problems, fmt.Errorf("connectorauth: the token responses have more than %d kB of further members; %d were left out", maxExtra>>10, left))
	}
	if unread {
		problems = append(problems, errUnread)
	}
	return errors.Join(problems...)
}

// tellNotKept tells observe what could not be kept of the first token t of a consent, where
// there is no store and so no EventSaved.
func tellNotKept[T any](ctx context.Context, store TokenStore, problem error, observe func(renew.Event[T]), t *T) {
	if store != nil || problem == nil {
		return
	}
	foreign("Observe", func() error {
		observe(renew.Event[T]{Happened: renew.Renewed, Value: t, Context: context.WithoutCancel(ctx)})
		return nil
	})
}

// errUnread does not quote the expiry, which may be anything.
var errUnread = errors.New("connectorauth: an expiry in the token response cannot be read, or has passed already; see ExpiryFormat and Lifetime in dialect.Response")
