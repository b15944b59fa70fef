package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/egress"
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
}

// empty reports whether there is nothing to keep.
func (p Program) empty() bool {
	return p.Client == (definition.Client{}) && len(p.Values) == 0 && len(p.Allow) == 0
}

// SetProgram keeps what the program adds to an account. A Program without content removes what
// was kept.
func (a *Accounts) SetProgram(ctx context.Context, id string, p Program) error {
	if p.empty() {
		return a.programs.Delete(ctx, id)
	}
	k := kept{ClientID: p.Client.ID, ClientSecret: string(p.Client.Secret), Allow: p.Allow, Values: map[string]string{}}
	for name, value := range p.Values {
		k.Values[name] = string(value)
	}
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return a.programs.Save(ctx, id, text)
}

// Program returns what the program adds to an account: the zero Program if there is nothing.
func (a *Accounts) Program(ctx context.Context, id string) (Program, error) {
	text, found, err := a.programs.Load(ctx, id)
	if err != nil || !found {
		return Program{}, err
	}
	var k kept
	if json.Unmarshal(text, &k) != nil {
		return Program{}, errors.New("what the program has kept of the account is damaged: connect the account again")
	}
	p := Program{Client: definition.Client{ID: k.ClientID, Secret: connectorauth.Secret(k.ClientSecret)}, Allow: k.Allow, Values: map[string]connectorauth.Secret{}}
	for name, value := range k.Values {
		p.Values[name] = connectorauth.Secret(value)
	}
	return p, nil
}

// Change waits until no other process connects or disconnects the account, and keeps others from
// that until done is called. The error of a long wait is a *storeerror.Locked.
func (a *Accounts) Change(ctx context.Context, id string) (done func(), err error) {
	lease, err := a.changes.Lock(ctx, "change-"+id)
	if err != nil {
		return nil, err
	}
	return lease.Unlock, nil
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
