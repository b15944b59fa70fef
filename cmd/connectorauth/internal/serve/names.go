package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/internal/words"
)

// An UnknownError says that no account has a name. An UnknownError matches
// accounts.ErrNotFound.
type UnknownError struct {
	Name string
	Near []string // the names that may have been meant; empty means none
}

// Error names the nearest names.
func (e *UnknownError) Error() string {
	text := fmt.Sprintf("no account has the ID, the label or the service %q", e.Name)
	if len(e.Near) > 0 {
		text += "; did you mean " + strings.Join(e.Near, " or ") + "?"
	}
	return text
}

// Is reports whether target is accounts.ErrNotFound.
func (e *UnknownError) Is(target error) bool { return target == accounts.ErrNotFound }

// An AmbiguousError says that several accounts have a name.
type AmbiguousError struct {
	Name string
	IDs  []string // of the accounts; at least two
}

// Error lists the IDs.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%d accounts have the name %q; use the ID of one: %s", len(e.IDs), e.Name, strings.Join(e.IDs, ", "))
}

// byName is the Resolve of an empty Config: an account has its ID, its label and its service
// as names, and the ID counts before the others. A label comes from a service, which could name
// an account like another service, so a label does not count before a service.
func (s *Server) byName(ctx context.Context, name string) (accounts.Account, error) {
	if a, err := s.config.Registry.Get(ctx, name); err == nil && a.Owner == s.config.Owner {
		return a, nil
	} else if err != nil && !errors.Is(err, accounts.ErrNotFound) {
		return accounts.Account{}, err
	}
	service := name
	if d, err := s.config.Registry.Definitions().Lookup(name); err == nil {
		service = d.Name // of a former name too
	}
	var found []accounts.Account
	known := map[string]bool{}
	for a, err := range s.config.Registry.All(ctx, accounts.Filter{Owner: s.config.Owner}) {
		if err != nil {
			return accounts.Account{}, err
		}
		if a.Status == accounts.StatusDisconnected {
			continue
		}
		known[a.Definition], known[a.ID] = true, true
		if a.Label != "" {
			known[a.Label] = true
		}
		if a.Label == name || a.Definition == service {
			found = append(found, a)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		e := &AmbiguousError{Name: name}
		for _, a := range found {
			e.IDs = append(e.IDs, a.ID)
		}
		return accounts.Account{}, e
	}
	e := &UnknownError{Name: name}
	if near := words.Nearest(name, slices.Sorted(maps.Keys(known))); near != "" {
		e.Near = []string{near}
	}
	return accounts.Account{}, e
}

// account returns the account with a name. An account of somebody else is not found, exactly
// as an absent account.
func (s *Server) account(ctx context.Context, name string) (accounts.Account, *failure) {
	a, err := s.config.Resolve(ctx, name)
	if err == nil && a.Owner != s.config.Owner {
		err = &UnknownError{Name: name}
	}
	var unknown *UnknownError
	var several *AmbiguousError
	switch {
	case err == nil:
		return a, nil
	case errors.As(err, &several):
		return a, &failure{status: http.StatusConflict, Code: "ambiguous_service", Message: err.Error(), Near: several.IDs}
	case errors.Is(err, accounts.ErrNotFound):
		f := &failure{status: http.StatusNotFound, Code: "unknown_service", Message: err.Error(), Do: "connect an account: open " + s.pagesURL() + "/"}
		if errors.As(err, &unknown) {
			f.Near = unknown.Near
		}
		return a, f
	}
	return a, s.explain(err, a, internal)
}

// internal is the failure of the program's own store and index.
var internal = failure{status: http.StatusInternalServerError, Code: "internal"}
