package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// Config describes a Registry.
type Config struct {
	// Definitions returns the definitions of the present, such as the Set of a
	// definition.Folder. Accounts use new definitions at their next use. Required.
	Definitions func() *definition.Set
	// Index keeps the accounts. Required.
	Index Index
	// Store keeps tokens and what account owners have given, under keys that begin with the
	// IDs of the accounts. Required.
	Store connectorauth.SharedTokenStore
	// Keys seal what is in Store: see tokenstore.NewSealed, and Registry.Reseal for the
	// replacement of a key. Required.
	Keys []tokenstore.Key
	// Connection returns what the program adds to an account: Client, HTTPClient,
	// RenewBefore, and Values of hidden inputs. HTTPClient makes the requests to the API
	// too. The Registry sets the other fields. Connection is called for each use of an account,
	// so a changed client secret counts at once: remember what comes from afar. A
	// changed HTTPClient counts for connectors that are made later. Account.Current is the
	// generation that the connector is for, and Account.Method the method of the generation, so
	// a new registration can be that of a Reconnect alone. Connect, Reconnect and Ready tell the
	// present name of the method; an account in use keeps a former name until its next Reconnect.
	// Ready tells the account that a Connect would make. An empty Client means that the program has
	// none; an error is an outage. Several goroutines may call Connection. Nil means that nothing
	// is added.
	Connection func(ctx context.Context, a Account) (definition.Connection, error)
	// Finder reads the metadata of issuers, for definitions that name an issuer in place of
	// endpoints: at each Connect and each Reconnect, and never in between. Nil means that such
	// accounts cannot be connected.
	Finder *discovery.Finder
	// Shared is as in connectorauth.OAuth2Config.
	Shared *connectorauth.Shared
	// Observe is as in connectorauth.OAuth2Config. Event.Account is the ID of the account.
	Observe func(connectorauth.Event)
	// Audit takes what is done to accounts, and by whom: see Registry.As. Storing entries is
	// the program's business. Audit is called in the goroutine of the call, perhaps in several at
	// one time, and must not take long. Nil means that nobody is told.
	Audit func(Entry)
	// Logger takes what Run and Sweep have to tell. Nil means slog.Default().
	Logger *slog.Logger
	// Connectors is how many connectors, the last used, are kept in memory. 0
	// means 10,000.
	Connectors int
}

// A Registry connects accounts, and gives an authenticated client for each of them. A
// Registry is safe for concurrent use.
type Registry struct {
	*state
	actor string // see As
}

// state is what the Registries of all actors share.
type state struct {
	config  Config
	store   connectorauth.TokenStore // which seals, and is guarded
	cache   cache
	gates   gates
	entries atomic.Uint64 // of the audit log

	mu      sync.Mutex
	closing chan struct{}  // closed by Shutdown
	works   sync.WaitGroup // sweeps, and writes of what connectors have told
}

// New returns a Registry. New makes no request. The error lists all mistakes of config.
func New(config Config) (*Registry, error) {
	var problems []error
	missing := func(name string, is bool) {
		if is {
			problems = append(problems, fmt.Errorf("%s: is missing", name))
		}
	}
	missing("Definitions", config.Definitions == nil)
	missing("Index", check.IsNil(config.Index))
	missing("Store", check.IsNil(config.Store))
	if config.Connectors < 0 {
		problems = append(problems, errors.New("Connectors: is negative"))
	}
	r := &Registry{state: &state{config: config, closing: make(chan struct{})}}
	sealed, err := tokenstore.NewSealed(guard(config.Store), config.Keys...)
	if err != nil {
		problems = append(problems, fmt.Errorf("Keys: %w", err))
	}
	r.store = sealed
	if len(problems) > 0 {
		return nil, fmt.Errorf("accounts: New: %w", errors.Join(problems...))
	}
	r.config.Keys = nil // the sealed store hides them from reflection
	r.cache.limit = cmp.Or(config.Connectors, 10_000)
	return r, nil
}

// Format prints the same for every verb.
func (*Registry) Format(f fmt.State, _ rune) { fmt.Fprint(f, "accounts.Registry") }

// Get returns an account, or ErrNotFound.
func (r *Registry) Get(ctx context.Context, id string) (Account, error) {
	a, found, err := r.config.Index.Get(ctx, id)
	if err != nil {
		return Account{}, ofIndex(err)
	}
	if !found {
		return Account{}, ErrNotFound
	}
	return a, nil
}

// List returns the accounts that f chooses, sorted by ID: at most limit accounts, whose ID is
// greater than after. IDs that Connect has made sort by the time of Connect. For the first
// page, after is empty. For the next page, after is the ID of the last account; a page with
// fewer accounts than limit is the last page. limit is from 1 to 1,000.
func (r *Registry) List(ctx context.Context, f Filter, after string, limit int) ([]Account, error) {
	if limit < 1 || limit > 1000 {
		return nil, fmt.Errorf("accounts: List: limit is %d, not 1 to 1,000", limit)
	}
	set, names := r.config.Definitions(), slices.Clone(f.Definitions)
	for _, name := range f.Definitions {
		for _, d := range set.Revisions(name) {
			names = append(append(names, d.Name), d.Was...)
		}
	}
	f.Definitions = names
	page, err := r.config.Index.List(ctx, f, after, limit)
	if err != nil {
		return nil, ofIndex(err)
	}
	return page, nil
}

// Stats counts the accounts, for gauges and alarms.
func (r *Registry) Stats(ctx context.Context) (Stats, error) {
	stats, err := r.config.Index.Stats(ctx)
	if err != nil {
		return Stats{}, ofIndex(err)
	}
	return stats, nil
}

// All returns the accounts that f chooses, as List does, and reads one page after the other.
// After an error, there are no further accounts. An account that is connected or disconnected
// meanwhile may be among them.
func (r *Registry) All(ctx context.Context, f Filter) iter.Seq2[Account, error] {
	const limit = 500
	return func(yield func(Account, error) bool) {
		after := ""
		for {
			page, err := r.List(ctx, f, after, limit)
			if err != nil {
				yield(Account{}, err)
				return
			}
			for _, a := range page {
				if !yield(a, nil) {
					return
				}
				after = a.ID
			}
			if len(page) < limit {
				return
			}
		}
	}
}

// update changes an account in the Index, again if somebody else was faster. An error of
// change is returned, and nothing is written.
func (r *Registry) update(ctx context.Context, id string, change func(*Account) error) (Account, error) {
	for {
		a, err := r.Get(ctx, id)
		if err != nil {
			return Account{}, err
		}
		before := a.Status
		if err := change(&a); err != nil {
			return a, err
		}
		stored, err := r.config.Index.Put(ctx, a)
		if err != nil {
			return Account{}, ofIndex(err)
		}
		if stored {
			a.Version++
			if a.Status == StatusReauthRequired && before != StatusReauthRequired {
				r.auditReauth(a)
			}
			return a, nil
		}
	}
}
