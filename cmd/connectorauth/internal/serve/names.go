package serve

import (
	"context"
	"errors"
	"net/http"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/choose"
	"github.com/connectorauth/connectorauth/definition"
)

// byName is the Resolve of an empty Config.
func (s *Server) byName(ctx context.Context, name string) (accounts.Account, error) {
	var all []accounts.Account
	for a, err := range s.config.Registry.All(ctx, accounts.Filter{Owner: s.config.Owner}) {
		if err != nil {
			return accounts.Account{}, err
		}
		all = append(all, a)
	}
	return choose.Account(all, name, func(name string) *definition.Definition {
		d, err := s.config.Registry.Definitions().Lookup(name)
		if err != nil {
			return nil
		}
		return d
	})
}

// account returns the account with a name. An account of somebody else is not found, exactly
// as an absent account.
func (s *Server) account(ctx context.Context, name string) (accounts.Account, *failure) {
	a, err := s.config.Resolve(ctx, name)
	if err == nil && a.Owner != s.config.Owner {
		err = &choose.UnknownError{Name: name}
	}
	var unknown *choose.UnknownError
	var several *choose.AmbiguousError
	switch {
	case err == nil:
		return a, nil
	case errors.As(err, &several):
		f := &failure{status: http.StatusConflict, Code: "ambiguous_service", Message: err.Error()}
		for _, a := range several.Accounts {
			f.Near = append(f.Near, a.ID)
		}
		return a, f
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
