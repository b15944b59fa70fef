package connectorauth

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/connectorauth/connectorauth/internal/origin"
)

// WithHosts returns a connector like c whose requests go only to what hosts returns at the
// time, among the Hosts of c: for a service that tells with each token where the account's
// API is. hosts returns entries as in APIKeyConfig.Hosts; an empty list means none. Any
// other request fails with [ErrHostNotAllowed] before it is sent. A redirect to another host
// goes on without credentials, as one that leaves the Hosts of c does. An error of hosts
// fails the request.
//
// hosts is called twice for each request that c sends: before the credentials are added,
// and right before the request is sent, when a hook may have changed the URL and a renewal
// the account. Several goroutines call hosts, with the context of the request.
//
// A connector of this package keeps its type, and keeps hosts in a [Join], under [WithHooks]
// and under WithBase.
func WithHosts(c Connector, hosts func(context.Context) ([]string, error)) Connector {
	return changed(c, func(inner *core) *core {
		narrowed := *inner
		narrowed.hooks = append(slices.Clip(inner.hooks), hook{hosts: &narrowing{hosts: hosts}, part: inner.everyPart()})
		return &narrowed
	})
}

// A narrowing is where requests may go at a time, within Hosts.
type narrowing struct {
	hosts func(context.Context) ([]string, error)
	last  atomic.Pointer[listed] // most requests have the same list
}

// listed is a list of hosts as it was read.
type listed struct {
	hosts []string
	set   origin.Set
}

// reach decides whether req may carry credentials, by Hosts and by the functions of
// WithHosts.
func (c *core) reach(req *http.Request) (origin.Reach, error) {
	reach, err := c.hosts.Check(req)
	for i := range c.hooks {
		if n := c.hooks[i].hosts; n != nil && reach == origin.Inside {
			set, failed := n.read(req.Context())
			if failed != nil {
				return origin.Refused, failed
			}
			reach, err = set.Check(req)
		}
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrHostNotAllowed, err)
	}
	return reach, err
}

// narrow returns an error if a function of WithHosts does not allow a request to u.
func (c *core) narrow(ctx context.Context, u *url.URL) error {
	for i := range c.hooks {
		if n := c.hooks[i].hosts; n != nil {
			set, err := n.read(ctx)
			if err != nil {
				return err
			}
			if err := set.Allows(u, u); err != nil {
				return fmt.Errorf("%w: %w", ErrHostNotAllowed, err)
			}
		}
	}
	return nil
}

// read returns the hosts as they are now.
func (n *narrowing) read(ctx context.Context) (origin.Set, error) {
	var hosts []string
	if err := foreign("the function of WithHosts", func() (err error) { hosts, err = n.hosts(ctx); return err }); err != nil {
		return origin.Set{}, err
	}
	if len(hosts) == 0 {
		return origin.Set{}, fmt.Errorf("%w: there is no host to which requests may go at present", ErrHostNotAllowed)
	}
	known := n.last.Load()
	if known == nil || !slices.Equal(known.hosts, hosts) {
		set, err := origin.Parse(hosts)
		if err != nil {
			return origin.Set{}, fmt.Errorf("connectorauth: WithHosts: %w", err)
		}
		known = &listed{slices.Clone(hosts), set}
		n.last.Store(known)
	}
	return known.set, nil
}
