package digestauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/origin"
)

// Config is a user of a service with HTTP Digest authentication.
type Config struct {
	// Username is required, and has no colon.
	Username string
	// Password is required.
	Password connectorauth.Secret
	// AllowMD5 permits challenges as RFC 2617 and RFC 2069 have them: the algorithm
	// MD5, and no quality of protection. MD5 is weak: whoever reads a request can guess
	// passwords fast.
	AllowMD5 bool
	// Hosts are the places that may see the credentials: see
	// [connectorauth.APIKeyConfig].
	Hosts []string
	// Account is the name in errors and events. Empty means no name.
	Account string
	// Shared is what the connector has in common with others: see
	// [connectorauth.OAuth2Config].
	Shared *connectorauth.Shared
	// Observe is told about challenges and refusals: see [connectorauth.OAuth2Config].
	// Empty means that nobody is told.
	Observe func(connectorauth.Event)
}

// New returns a connector for HTTP Digest authentication (RFC 7616). The connector is
// safe for concurrent use. Challenges and counts of nonces live in memory, because two
// processes with one nonce would count twice.
func New(config Config) (*connectorauth.Custom, error) {
	var problems check.List
	switch {
	case config.Username == "":
		problems.Add("Username: is empty")
	case strings.Contains(config.Username, ":"):
		problems.Add("Username: has a colon, which ends a user name in HTTP Digest")
	default:
		problems.Field("Username", check.Text(config.Username))
	}
	if config.Password == "" {
		problems.Add("Password: is empty")
	} else {
		problems.Field("Password", check.Text(string(config.Password)))
	}
	_, err := origin.Parse(config.Hosts)
	problems.Field("Hosts", err)
	if err := problems.Err("digestauth.Config"); err != nil {
		return nil, err
	}
	d := &digest{
		username: config.Username, password: config.Password, allowMD5: config.AllowMD5, account: config.Account, observe: config.Observe,
		login: newLogin(config.Shared, config.Username, string(config.Password)),
	}
	c, err := connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: d.authenticate, Obtain: d.obtain, Challenge: d.challenge, Header: "Authorization", Signs: true,
		Hosts: config.Hosts, Account: config.Account, Shared: config.Shared, Observe: config.Observe,
	})
	if err != nil {
		return nil, err
	}
	return connectorauth.WithHooks(c, connectorauth.Hooks{AfterResponse: d.learn}).(*connectorauth.Custom), nil
}

// digest authenticates one user. The credential of the connector is a number that
// counts new starts; the challenges are in places.
type digest struct {
	username string
	password connectorauth.Secret
	allowMD5 bool
	account  string
	login    login
	observe  func(connectorauth.Event)

	mu     sync.Mutex
	number uint64
	places []*place // the last used comes last
}

// maxPlaces is how many origins digest knows at a time.
const maxPlaces = 64

// place returns what is known of the origin of u. d.mu is held.
func (d *digest) place(u *url.URL) *place {
	i := slices.IndexFunc(d.places, func(p *place) bool { return origin.Same(p.origin, u) })
	if i < 0 {
		if len(d.places) >= maxPlaces {
			d.forget()
		}
		at := &url.URL{Scheme: u.Scheme, Host: u.Host}
		d.places = append(d.places, &place{origin: at, login: d.login.at(strings.ToLower(at.String()))})
		return d.places[len(d.places)-1]
	}
	p := d.places[i]
	d.places = append(slices.Delete(d.places, i, i+1), p)
	return p
}

// forget makes room for a place. A place that knows of a refusal is the last to go, so
// that a refused password is not sent again. d.mu is held.
func (d *digest) forget() {
	now := time.Now()
	i := slices.IndexFunc(d.places, func(p *place) bool { return p.trial == nil && !p.until.After(now) })
	i = max(i, 0)
	d.places[i].settle()
	d.places = slices.Delete(d.places, i, i+1)
}

// authenticate answers the challenge of the request's origin.
func (d *digest) authenticate(req *http.Request, _ connectorauth.CustomCredential) error {
	offer, count, err := d.admit(req.Context(), req.URL)
	if err != nil {
		return d.named(err)
	}
	if offer == nil {
		if req.Body != nil && req.Body != http.NoBody {
			req.Header.Set("Expect", "100-continue")
		}
		return nil
	}
	value, err := offer.answer(d.username, string(d.password), req, count)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", value)
	return nil
}

// admit returns the challenge for a request to u, and which request with the nonce of
// the challenge the request is. Without a challenge, offer is nil. admit waits for a
// request that tries the password.
func (d *digest) admit(ctx context.Context, u *url.URL) (offer *offer, count uint32, err error) {
	for {
		d.mu.Lock()
		p := d.place(u)
		tried, err := p.enter()
		if err == nil && tried == nil && p.offer != nil {
			p.count++
			copied := *p.offer
			offer, count = &copied, p.count
		}
		d.mu.Unlock()
		if err != nil || tried == nil {
			return offer, count, err
		}
		if err := wait(ctx, tried); err != nil {
			return nil, 0, err
		}
	}
}

// learn takes from a response what the response says of the challenge and of the
// password. A refusal of the password ends the request.
func (d *digest) learn(e *connectorauth.Exchange) error {
	var nonce string
	if sent := challenge.Parse(e.Request.Header["Authorization"]); len(sent) > 0 {
		nonce = sent[0].Params["nonce"]
	}
	d.mu.Lock()
	refusal := d.place(e.Request.URL).learn(nonce, e.Response, d.allowMD5)
	d.mu.Unlock()
	if refusal == nil {
		return nil
	}
	refusal = d.named(refusal)
	if d.observe != nil {
		d.observe(connectorauth.Event{Kind: connectorauth.EventReauthRequired, Account: d.account, Err: refusal, Cause: "reauth_required"})
	}
	return refusal
}

// named adds the account to a refusal.
func (d *digest) named(err error) error {
	if d.account == "" || !errors.Is(err, connectorauth.ErrReauthRequired) {
		return err
	}
	return fmt.Errorf("%w; account %q", err, d.account)
}

// challenge returns nil once there is a challenge to answer. learn has seen the
// response before.
func (d *digest) challenge(_ context.Context, resp *http.Response) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.place(resp.Request.URL)
	switch {
	case p.failed != nil:
		return p.failed
	case resp.StatusCode != http.StatusUnauthorized || p.offer == nil:
		return fmt.Errorf("digestauth: %s: the response has no challenge", p.origin)
	}
	return nil
}

// obtain starts anew: Custom.Renew calls obtain, and so does the first request.
func (d *digest) obtain(context.Context, connectorauth.CustomCredential, *http.Response) (next connectorauth.CustomCredential, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.places {
		p.settle()
		p.login.forget()
	}
	d.places = nil
	d.number++
	next.Value = connectorauth.Secret(strconv.FormatUint(d.number, 10))
	return next, nil
}
