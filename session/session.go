package session

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/template"
	"github.com/connectorauth/connectorauth/internal/words"
)

// Config describes, as data, how an account of a service logs in, and where the session
// goes.
type Config struct {
	// Login are the requests of a login, in order. At least one, and at least one Capture.
	Login []Request
	// Renew is a request that prolongs the session, or replaces values of the session. Renew
	// may use all captures. A capture that the response leaves out keeps its value. If the
	// service refuses Renew, the account logs in. Empty means to log in again.
	Renew *Request
	// Logout is the request of connectorauth.Custom.Revoke. Empty means that the service
	// knows no logout.
	Logout *Request
	// Values are what templates use beside captures, by name: what the account owner has
	// given, such as a user name and a password. A change of a value means another login.
	// Names have letters, digits and '_' only. Values have no control characters.
	Values map[string]connectorauth.Secret
	// Places are where the session goes in requests to the API. Empty means the header
	// "Authorization: Bearer {token}", with the capture called token.
	Places []Place
	// Lifetime says how long a session lasts. Empty means until the API rejects the session.
	Lifetime Lifetime
	// Refusals describe responses to login requests that mean wrong credentials. A login
	// request that has status 400, 401, 403, 422 or 423, or lacks a capture, is refused in
	// any case. See the package documentation. Empty means no others.
	Refusals []dialect.Rejection
	// Rejections describe responses of the API that mean, as status 401 does, that the
	// session is no longer valid. Empty means status 401 alone.
	Rejections []dialect.Rejection

	// Store keeps the session. Empty means that the session lives in memory, as long as the
	// connector.
	Store connectorauth.TokenStore
	// Account is the key in Store, and the name in events. Required with Store. Connectors
	// with the same Store, Account and Values share a session, whatever their Places.
	Account string
	// Shared is what the connector has in common with others: see
	// connectorauth.OAuth2Config. The first login request is the token URL.
	Shared *connectorauth.Shared
	// Hosts are the places that may see the session: see connectorauth.APIKeyConfig.
	Hosts []string
	// RenewBefore is how long before its expiry a session is renewed in the background, at
	// most a fifth of its lifetime. 0 means 5 minutes.
	RenewBefore time.Duration
	// HTTPClient makes the requests of this package: see connectorauth.OAuth2Config.
	HTTPClient *http.Client
	// Observe is told what happens to the session: see connectorauth.OAuth2Config.
	Observe func(connectorauth.Event)
}

// Place is where a part of a session goes.
type Place struct {
	// Placement is the place. Empty means the header "Authorization: Bearer VALUE". For
	// another scheme in the same header, set Name to "Authorization", and begin Value with
	// the scheme: "Basic {base64({id}:{key})}".
	dialect.Placement
	// Value is the template of the value. Empty means "{token}".
	Value string
}

// Lifetime says how long a session lasts. Expiry and JWT exclude each other. Where a
// response tells nothing that can be read, Fixed counts.
type Lifetime struct {
	// Expiry is the name of the capture with the expiry. The capture may be absent from a
	// response. Empty means none.
	Expiry string
	// Format says what a number means as Expiry. Empty means dialect.ExpirySeconds.
	Format dialect.ExpiryFormat
	// JWT is the name of a capture that is a JWT, whose claim exp is the expiry (RFC 7519
	// section 4.1.4). The signature is not verified. Empty means none.
	JWT string
	// Fixed is the lifetime of each session. 0 means until the API rejects the session.
	Fixed time.Duration
	// Idle is how long a session lasts without a request. After a longer pause of the
	// requests of this process, the account logs in before the next request. 0 means for
	// ever.
	Idle time.Duration
}

// service is a Config without mistakes.
type service struct {
	login         []*request
	renew, logout *request
	values        map[string]string
	names         []string // of all captures
	lifetime      Lifetime
	refusals      []dialect.Rejection
	base          http.RoundTripper
}

// New returns a connector for an account that logs in. New checks everything, and makes
// no request: the first request of the connector logs in.
func New(config Config) (*connectorauth.Custom, error) {
	var problems check.List
	s := &service{values: map[string]string{}, lifetime: config.Lifetime, refusals: slices.Clone(config.Refusals)}
	s.base = cmp.Or(config.HTTPClient, http.DefaultClient).Transport
	for _, name := range slices.Sorted(maps.Keys(config.Values)) {
		if !template.IsName(name) {
			problems.Add("Values: %q is no name; use letters, digits and '_'", name)
		}
		problems.Field("Values: "+name, check.Text(string(config.Values[name])))
		s.values[name] = string(config.Values[name])
	}
	s.requests(&problems, config)
	places := s.places(&problems, config.Places)
	s.checkLifetime(&problems)
	for i, r := range config.Refusals {
		problems.Field(fmt.Sprintf("Refusals[%d]", i), challenge.CheckRejection(r))
	}
	custom := connectorauth.CustomConfig{
		Places: places, Obtain: s.obtain, Rejections: config.Rejections, Idle: max(config.Lifetime.Idle, 0),
		Store: config.Store, Account: config.Account, Shared: config.Shared, Hosts: config.Hosts,
		RenewBefore: config.RenewBefore, Observe: config.Observe,
	}
	if s.logout != nil {
		custom.Revoke = s.revoke
	}
	if len(s.login) > 0 && s.login[0].url.Shape != nil {
		custom.Endpoint = s.login[0].url.Beginning()
		custom.Login = s.typed()
	}
	connector, err := connectorauth.NewCustom(custom)
	problems.Custom(err)
	if err := problems.Err("session.Config"); err != nil {
		return nil, err
	}
	return connector, nil
}

// requests reads the requests of config.
func (s *service) requests(problems *check.List, config Config) {
	known := slices.Sorted(maps.Keys(s.values))
	if len(config.Login) == 0 {
		problems.Add("Login: is empty; give the request of the login")
	}
	for i := range config.Login {
		field := fmt.Sprintf("Login[%d]", i)
		r := newRequest(problems, field, &config.Login[i], known)
		captures := slices.Sorted(maps.Keys(r.captures))
		for _, name := range captures {
			if slices.Contains(known, name) {
				problems.Add("%s: Capture: %s is the name of another value; use another name", field, name)
			}
		}
		s.names, known = append(s.names, captures...), append(known, captures...)
		s.login = append(s.login, r)
	}
	if len(s.names) == 0 && len(config.Login) > 0 {
		problems.Add("Login: captures nothing; say with Capture where the responses have the session")
	}
	if config.Renew != nil {
		s.renew = newRequest(problems, "Renew", config.Renew, known)
		for _, name := range slices.Sorted(maps.Keys(s.renew.captures)) {
			if !slices.Contains(s.names, name) {
				problems.Add("Renew: Capture: %s is the capture of no login request%s", name, hint(name, s.names))
			}
		}
	}
	if config.Logout != nil {
		s.logout = newRequest(problems, "Logout", config.Logout, known)
		if len(config.Logout.Capture) > 0 {
			problems.Add("Logout: Capture: is of no use")
		}
	}
}

// hint names the word that was probably meant.
func hint(word string, known []string) string {
	if near := words.Nearest(word, known); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// checkNames lists the names in a template that have no value.
func checkNames(problems *check.List, field string, used, known []string) {
	slices.Sort(used)
	for _, name := range slices.Compact(used) {
		if !slices.Contains(known, name) {
			problems.Add("%s: there is no value for {%s} at that time%s", field, name, hint(name, known))
		}
	}
}

// places returns the places of the session.
func (s *service) places(problems *check.List, list []Place) (places []connectorauth.CustomPlace) {
	if len(list) == 0 {
		list = []Place{{}}
	}
	known := append(slices.Sorted(maps.Keys(s.values)), s.names...)
	for i, p := range list {
		field := fmt.Sprintf("Places[%d]: Value", i)
		t, err := template.Parse(cmp.Or(p.Value, "{token}"))
		problems.Field(field, err)
		if p.Value != "" || len(s.names) > 0 { // or Login captures nothing, which is the mistake
			checkNames(problems, field, t.Names(), known)
		}
		if p.Placement == (dialect.Placement{}) && t.HasSpace() {
			problems.Add("%s: has a space after Bearer; for another scheme, set Placement.Name to \"Authorization\"", field)
		}
		places = append(places, connectorauth.CustomPlace{Placement: p.Placement, Value: func(_ context.Context, c connectorauth.CustomCredential) (connectorauth.Secret, error) {
			value, err := s.filler(c).Fill(t, nil)
			return connectorauth.Secret(value), err
		}})
	}
	return places
}

// filler returns a filler with the values of the config and of a session.
func (s *service) filler(c connectorauth.CustomCredential) *template.Filler {
	values := maps.Clone(s.values)
	for name, value := range c.More {
		values[name] = string(value)
	}
	return &template.Filler{Values: values}
}

// typed returns what decides whether a refused login is worth another try.
func (s *service) typed() connectorauth.Secret {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		fmt.Fprintf(&b, "%s %d:%s\n", name, len(s.values[name]), s.values[name])
	}
	for _, r := range s.login {
		b.WriteString(r.shows())
	}
	return connectorauth.Secret(cmp.Or(b.String(), "-"))
}
