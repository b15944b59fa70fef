package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/egress"
)

// Config says what to examine.
type Config struct {
	// Accounts is the Config of the program's registry: see accounts.New. Run observes the
	// requests of a registry of its own. The base of all requests is the Transport of the
	// HTTPClient of Accounts.Connection. Nil means http.DefaultTransport, or a Transport of
	// package egress for accounts whose inputs may lead to any host. Required.
	Accounts accounts.Config
	// ID is the ID of the account. Required.
	ID string
	// Now is the clock of this machine. Nil means time.Now.
	Now func() time.Time
}

// The limits in time. Hosts are visited side by side, so all steps together take a minute at
// most.
const (
	wholeTime  = 60 * time.Second
	accountMax = 10 * time.Second // index, store, and a base URL that a token response decides
	hostTime   = 10 * time.Second
	tokenTime  = 10 * time.Second
	testTime   = 25 * time.Second
)

// userAgent names the requests without credentials.
const userAgent = "connectorauth-doctor"

// Run examines an account, and tells each step as soon as the step has ended. Nil tells
// nobody. Run calls tell in its own goroutine. Run takes a minute at most.
//
// A faulty account is no error: see Report.Advice. Run changes nothing of the account, apart
// from what any use changes, such as a renewed token. If ctx ends, the error is the error of
// ctx, and the Report has the steps so far. Any other error is about config. Several goroutines
// may call Run.
func Run(ctx context.Context, config Config, tell func(Step)) (Report, error) {
	if tell == nil {
		tell = func(Step) {}
	}
	if config.ID == "" {
		return Report{}, errors.New("doctor: Config.ID: is missing")
	}
	x := &examination{config: config, now: config.Now, tell: tell, mask: new(mask)}
	if x.now == nil {
		x.now = time.Now
	}
	x.observer = &observer{mask: x.mask, now: x.now}
	given := config.Accounts.Connection
	config.Accounts.Connection = func(ctx context.Context, a accounts.Account) (c definition.Connection, err error) {
		if given != nil {
			if c, err = given(ctx, a); err != nil {
				return c, err
			}
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.connection = c
		return x.observed(c), nil
	}
	config.Accounts.Audit = nil
	config.Accounts.Store = patient(config.Accounts.Store)
	registry, err := accounts.New(config.Accounts)
	if err != nil {
		return Report{}, fmt.Errorf("doctor: Config.Accounts: %w", err)
	}
	x.registry = registry
	x.report = Report{Account: config.ID, Time: x.now().UTC(), Versions: versions()}
	whole, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	x.run(whole)
	x.observer.CloseIdleConnections()
	x.conclude()
	return x.report, ctx.Err()
}

// An examination is a call of Run.
type examination struct {
	config   Config
	now      func() time.Time
	tell     func(Step)
	mask     *mask
	observer *observer
	registry *accounts.Registry
	report   Report

	account   accounts.Account
	given     definition.Account
	set       *definition.Set
	d         *definition.Definition
	m         *definition.Method
	connected *definition.Connected
	status    connectorauth.Status
	visits    []*visit
	tested    bool // the test request passed

	mu         sync.Mutex
	once       sync.Once
	connection definition.Connection // as the program gives it
}

// added returns what the program adds to the account.
func (x *examination) added() definition.Connection {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.connection
}

// run goes through all steps. Where the account cannot be opened, there is no host to visit.
func (x *examination) run(ctx context.Context) {
	for _, part := range []func(context.Context) bool{
		x.openAccount, x.hosts, x.clock, x.metadata, x.tokenEndpoint, x.record, x.scopes, x.test,
	} {
		if !part(ctx) || ctx.Err() != nil {
			return
		}
	}
}

// step adds a step to the report. Detail and advice lose their secrets.
func (x *examination) step(s Step) {
	s.Detail, s.advice, s.Target = x.mask.text(s.Detail, 600), x.mask.text(s.advice, 900), x.mask.text(s.Target, 300)
	x.report.Steps = append(x.report.Steps, s)
	x.tell(s)
}

// observed returns a connection whose requests are observed.
func (x *examination) observed(c definition.Connection) definition.Connection {
	x.once.Do(func() { x.observer.base = x.base(c) })
	client := http.Client{Timeout: testTime}
	if c.HTTPClient != nil {
		client = *c.HTTPClient
	}
	client.Transport = x.observer
	c.HTTPClient = &client
	return c
}

// base returns what sends the requests of the account.
func (x *examination) base(c definition.Connection) http.RoundTripper {
	base := http.DefaultTransport
	switch {
	case c.HTTPClient != nil && c.HTTPClient.Transport != nil:
		base = c.HTTPClient.Transport
	case x.anyHost():
		if guarded, err := egress.New(egress.Config{}); err == nil {
			base = guarded
		}
	}
	if t, ok := base.(*http.Transport); ok {
		return t.Clone() // without connections of before, of which nothing could be seen
	}
	return base
}

// anyHost reports whether an input of the account may lead to any host.
func (x *examination) anyHost() bool {
	if x.d == nil || x.m == nil {
		return false
	}
	for _, inputs := range [][]definition.Input{x.d.Inputs, x.m.Inputs} {
		for _, i := range inputs {
			if i.AnyHost {
				return true
			}
		}
	}
	return false
}

func isCanceled(err error) bool { return errors.Is(err, context.Canceled) }
