// Package local puts the accounts of one person together: the folder, the index, the sealed
// store, the definitions, and a Registry of package accounts over all of these.
package local

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/index"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// Owner is the owner of all accounts: the person whose folder this is.
const Owner = "me"

// Accounts are the accounts of one person. Accounts are safe for concurrent use.
type Accounts struct {
	*accounts.Registry

	config    accounts.Config
	home      *home.Home
	index     *index.Index
	programs  connectorauth.TokenStore // what the program adds, sealed
	changes   store                    // whose locks are held while a program and its account change together
	shared    *connectorauth.Shared
	finder    *discovery.Finder
	registrar *discovery.Registrar
	options   definition.Options

	mu    sync.Mutex
	known map[string]*definition.Definition // by the name that was asked for
	set   *definition.Set
	// registered is what the accounts of a service share, by the name of the service. Nil
	// means that nothing is offered: see Offer.
	registered map[string]registration
	clients    map[string]*http.Client // by what they may reach
	held       map[string]bool         // accounts whose lock Change has taken, by ID
}

// Config describes Accounts.
type Config struct {
	Home *home.Home // required
	// Program is the name and version of the program, such as "connectorauth v1.2.0".
	Program string
	// Allow are hosts, addresses and prefixes of a private network that requests for metadata
	// may reach beside public addresses. Empty means none.
	Allow []string
	// Observe is as in accounts.Config.
	Observe func(connectorauth.Event)
	// Logger is as in accounts.Config. Nil means that nothing is logged.
	Logger *slog.Logger
}

// List returns the accounts, sorted by ID, and opens the index alone.
func List(ctx context.Context, h *home.Home, program string) ([]accounts.Account, error) {
	if h.Empty() {
		return nil, nil
	}
	x, err := index.Open(h.Accounts(), program)
	if err != nil {
		return nil, err
	}
	return x.List(ctx, accounts.Filter{}, "", maxAccounts)
}

// maxAccounts bounds the accounts of one person.
const maxAccounts = 100_000

// Open opens the accounts, and makes the folder if there is none. Open makes no request.
func Open(ctx context.Context, c Config) (*Accounts, error) {
	key, err := c.Home.Key(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.Home.Make(); err != nil {
		return nil, err
	}
	x, err := index.Open(c.Home.Accounts(), c.Program)
	if err != nil {
		return nil, err
	}
	file, err := tokenstore.NewFile(c.Home.Tokens())
	if err != nil {
		return nil, err
	}
	clients, err := tokenstore.NewFile(c.Home.Clients())
	if err != nil {
		return nil, err
	}
	programs, err := tokenstore.NewSealed(clients, key)
	if err != nil {
		return nil, err
	}
	a := &Accounts{home: c.Home, index: x, programs: programs, changes: store{clients},
		shared: new(connectorauth.Shared), known: map[string]*definition.Definition{}, clients: map[string]*http.Client{}, held: map[string]bool{}}
	tokens := store{file}
	if err := a.discovery(c.Allow, tokens, key); err != nil {
		return nil, err
	}
	logger := c.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if a.set, err = definition.NewSet(); err != nil {
		return nil, err
	}
	a.config = accounts.Config{
		Definitions: a.definitions, Index: x, Store: tokens, Keys: []tokenstore.Key{key}, Connection: a.connection,
		Finder: a.finder, Shared: a.shared, Observe: c.Observe, Logger: logger, Audit: a.audited,
	}
	a.Registry, err = accounts.New(a.config)
	return a, err
}

// discovery makes what reads metadata and registers clients. Both reach public addresses, and
// those of allow.
func (a *Accounts) discovery(allow []string, tokens connectorauth.SharedTokenStore, key tokenstore.Key) error {
	client, err := guarded(allow)
	if err != nil {
		return err
	}
	if a.finder, err = discovery.New(discovery.Config{HTTPClient: client}); err != nil {
		return err
	}
	a.registrar, err = discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: a.finder, Store: tokens, Keys: []tokenstore.Key{key},
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "connectorauth"}},
	})
	if err != nil {
		return err
	}
	a.options = Options(a.finder, a.registrar)
	return nil
}

// Config returns the config of the Registry.
func (a *Accounts) Config() accounts.Config { return a.config }

// Options returns what definitions may say.
func (a *Accounts) Options() definition.Options { return a.options }

// definitions returns the definitions that were needed so far.
func (a *Accounts) definitions() *definition.Set {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.set
}

// Need finds the definition of a service, and gives it to the Registry. An account has no
// client before the definition of the account was needed.
func (a *Accounts) Need(name string) (d *definition.Definition, draft bool, err error) {
	d, draft, err = a.Find(name)
	if err != nil {
		return nil, false, err
	}
	if err := a.register(context.Background()); err != nil { // of files alone
		return nil, false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[d.Name] = d
	if a.registered != nil {
		if o := a.offered(d); o != nil {
			a.known[d.Name] = o
		}
	}
	return d, draft, a.collect()
}

// collect makes the Set of the definitions that are known. The caller holds mu.
func (a *Accounts) collect() error {
	set, err := definition.NewSet(slices.Collect(maps.Values(a.known))...)
	if err == nil {
		a.set = set
	}
	return err
}

// connection returns what the program adds to an account.
func (a *Accounts) connection(ctx context.Context, account accounts.Account) (definition.Connection, error) {
	p, err := a.completed(ctx, account)
	if err != nil {
		return definition.Connection{}, err
	}
	c := definition.Connection{Client: p.Client, Values: p.Values}
	if len(p.Allow) > 0 {
		c.HTTPClient, err = a.guarded(p.Allow)
	}
	return c, err
}

// guarded returns one client for equal lists, because a client keeps connections.
func (a *Accounts) guarded(allow []string) (*http.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := strings.Join(slices.Sorted(slices.Values(allow)), " ")
	if c := a.clients[name]; c != nil {
		return c, nil
	}
	c, err := guarded(allow)
	if err == nil {
		a.clients[name] = c
	}
	return c, err
}
