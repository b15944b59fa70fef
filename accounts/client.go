package accounts

import (
	"container/list"
	"context"
	"net/http"
	"sync"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// Client returns a client whose requests are authenticated with the account. Client reads
// the Index, calls Config.Connection, and makes no request. An account that is StatusReauthRequired
// has a client, whose requests say what is wrong.
func (r *Registry) Client(ctx context.Context, id string) (*http.Client, error) {
	u, err := r.use(ctx, id)
	if err != nil {
		return nil, err
	}
	return u.client, nil
}

// Connected returns the account as package definition sees the account: for the base URL, and
// for texts with values of the account. See Client.
func (r *Registry) Connected(ctx context.Context, id string) (*definition.Connected, error) {
	u, err := r.use(ctx, id)
	if err != nil {
		return nil, err
	}
	return u.connected, nil
}

// A used is an account in the cache.
type used struct {
	id        string
	number    int                   // of the generation
	set       *definition.Set       // of which the connector was made
	given     definition.Connection // by the program
	status    Status                // which was seen last
	connected *definition.Connected
	client    *http.Client
}

// use returns the account, from the cache if nothing has changed.
func (r *Registry) use(ctx context.Context, id string) (used, error) {
	a, err := r.Get(ctx, id)
	switch {
	case err != nil:
		return used{}, err
	case a.Status == StatusDisconnected:
		return used{}, ErrDisconnected
	case a.Current == 0:
		return used{}, ErrConnecting
	}
	set := r.config.Definitions()
	given, err := r.added(ctx, a)
	if err != nil {
		return used{}, err
	}
	if u, ok := r.cache.get(id); ok && u.number == a.Current && u.set == set && same(u.given, given) {
		u.status = a.Status
		r.cache.put(u)
		return u, nil
	}
	a, g, err := r.reopenCurrent(ctx, a)
	if err != nil {
		return used{}, err
	}
	u := used{id, a.Current, set, given, a.Status, g.connected, connectorauth.NewClient(g.connected.Connector(), g.client)}
	r.cache.put(u)
	return u, nil
}

// A cache keeps the accounts used last.
type cache struct {
	limit int

	mu     sync.Mutex
	recent list.List                // of used, the latest first
	byID   map[string]*list.Element // of recent
}

func (c *cache) get(id string) (used, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[id]; e != nil {
		return e.Value.(used), true
	}
	return used{}, false
}

// put keeps u as the latest.
func (c *cache) put(u used) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[u.id]; e != nil {
		e.Value = u
		c.recent.MoveToFront(e)
		return
	}
	if c.byID == nil {
		c.byID = map[string]*list.Element{}
	}
	c.byID[u.id] = c.recent.PushFront(u)
	if len(c.byID) > c.limit {
		delete(c.byID, c.recent.Remove(c.recent.Back()).(used).id)
	}
}

// drop removes an account.
func (c *cache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[id]; e != nil {
		c.recent.Remove(e)
		delete(c.byID, id)
	}
}
