package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// A Program is what the program adds to one account: what a definition leaves to programs, and
// which the person has given, because the person is the program's owner here.
type Program struct {
	// Client is the registration with the service. Empty means none, or that the definition
	// has inputs for the client.
	Client definition.Client
	// Values are the values of hidden inputs, by name. Empty means none.
	Values map[string]connectorauth.Secret
	// Allow are hosts, addresses and prefixes of a private network that requests may reach
	// where the definition takes any host. Empty means public addresses alone.
	Allow []string
}

// kept is a Program in the store, where secrets are plain text and sealed.
type kept struct {
	ClientID     string            `json:"client_id,omitempty"`
	ClientSecret string            `json:"client_secret,omitempty"`
	Values       map[string]string `json:"values,omitempty"`
	Allow        []string          `json:"allow,omitempty"`
	// Next is the Program of the generation Number, which is being connected. Nil means none.
	Next   *kept `json:"next,omitempty"`
	Number int   `json:"number,omitempty"`
}

// empty reports whether there is nothing to keep.
func (p Program) empty() bool {
	return p.Client == (definition.Client{}) && len(p.Values) == 0 && len(p.Allow) == 0
}

// kept returns the Program for the store.
func (p Program) kept() kept {
	k := kept{ClientID: p.Client.ID, ClientSecret: string(p.Client.Secret), Allow: p.Allow, Values: map[string]string{}}
	for name, value := range p.Values {
		k.Values[name] = string(value)
	}
	return k
}

// program returns the Program of the store.
func (k kept) program() Program {
	p := Program{Client: definition.Client{ID: k.ClientID, Secret: connectorauth.Secret(k.ClientSecret)}, Allow: k.Allow, Values: map[string]connectorauth.Secret{}}
	for name, value := range k.Values {
		p.Values[name] = connectorauth.Secret(value)
	}
	return p
}

// SetProgram keeps what the program adds to an account. A Program without content removes what
// was kept.
func (a *Accounts) SetProgram(ctx context.Context, id string, p Program) error {
	if p.empty() {
		return a.programs.Delete(ctx, id)
	}
	return a.save(ctx, id, p.kept())
}

// SetNext keeps the Program of a generation of the account that is being connected. The
// generation in use keeps the present Program, also if this process is killed. From the moment
// in which the new generation is in use, next is the Program. SetProgram ends the matter.
func (a *Accounts) SetNext(ctx context.Context, id string, number int, next Program) error {
	present, err := a.Program(ctx, id)
	if err != nil {
		return err
	}
	k, n := present.kept(), next.kept()
	k.Next, k.Number = &n, number
	return a.save(ctx, id, k)
}

// save writes a record.
func (a *Accounts) save(ctx context.Context, id string, k kept) error {
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return a.programs.Save(ctx, id, text)
}

// Program returns what the program adds to an account: the zero Program if there is nothing.
func (a *Accounts) Program(ctx context.Context, id string) (Program, error) {
	k, err := a.load(ctx, id)
	if err != nil || k.Next == nil {
		return k.program(), err
	}
	account, _, err := a.index.Get(ctx, id)
	return k.of(account.Current).program(), err
}

// of returns the record of a generation.
func (k kept) of(number int) kept {
	if k.Next != nil && k.Number == number {
		return *k.Next
	}
	return k
}

// load reads a record: the zero record if there is none.
func (a *Accounts) load(ctx context.Context, id string) (k kept, err error) {
	text, found, err := a.programs.Load(ctx, id)
	if err != nil || !found {
		return kept{}, err
	}
	if json.Unmarshal(text, &k) != nil {
		return kept{}, errors.New("what the program has kept of the account is damaged: connect the account again")
	}
	return k, nil
}

// Change waits until no other process connects or disconnects the account, and keeps others from
// that until done is called. The error of a long wait is a *storeerror.Locked.
func (a *Accounts) Change(ctx context.Context, id string) (done func(), err error) {
	lease, err := a.changes.Lock(ctx, "change-"+id)
	if err != nil {
		return nil, err
	}
	a.hold(id, true)
	return func() {
		a.hold(id, false)
		lease.Unlock()
	}, nil
}

// hold notes whether Change has the lock of an account.
func (a *Accounts) hold(id string, held bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held[id] = held
	if !held {
		delete(a.held, id)
	}
}

// alone calls do while no other process connects or disconnects the account. A process that has the
// lock, and not only for a moment, sees to the Program itself, and do is not called.
func (a *Accounts) alone(ctx context.Context, id string, do func() error) error {
	a.mu.Lock()
	held := a.held[id]
	a.mu.Unlock()
	if held {
		return do()
	}
	soon, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	done, err := a.Change(soon, id)
	if errors.As(err, new(*storeerror.Locked)) {
		return nil
	}
	if err != nil {
		return err
	}
	defer done()
	return do()
}

// forget removes the Program of an account that is gone. A Program that another process has kept
// since is that of a new account with the ID, and stays. The caller is alone.
func (a *Accounts) forget(ctx context.Context, id string) error {
	if _, err := a.Get(ctx, id); !errors.Is(err, accounts.ErrNotFound) {
		return err
	}
	return a.SetProgram(ctx, id, Program{})
}

// Allowed reports whether a text is a host, an address or a prefix that Config.Allow takes.
func Allowed(text string) bool {
	_, err := guarded([]string{text})
	return err == nil
}

// guarded returns a client that reaches public addresses and those of allow.
func guarded(allow []string) (*http.Client, error) {
	var config egress.Config
	for _, text := range allow {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			config.Prefixes = append(config.Prefixes, prefix)
		} else if addr, err := netip.ParseAddr(text); err == nil {
			config.Prefixes = append(config.Prefixes, netip.PrefixFrom(addr, addr.BitLen()))
		} else {
			config.Hosts = append(config.Hosts, text)
		}
	}
	transport, err := egress.New(config)
	if err != nil {
		return nil, fmt.Errorf("--allow: %w", err)
	}
	return &http.Client{Transport: transport}, nil
}
