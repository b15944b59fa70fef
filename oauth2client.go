package connectorauth

import (
	"cmp"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"weak"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// oauth2Client is what a config says of a client at a provider: all but the account. The
// accounts of a service share one.
type oauth2Client struct {
	clientID     string
	clientSecret Secret
	clientAuth   ClientAuth
	tokenURL     string
	rare         *rare  // nil if empty
	scope        string // all scopes, as one parameter
	grant        Grant
	traits       GrantTraits
	dialect      *dialect.OAuth2 // never nil
	proof        Proof           // nil: Bearer tokens
	lead         time.Duration
	httpClient   *http.Client
	listed       []string // the Hosts
	hosts        origin.Set

	place    *tokenPlace
	identity string // of the engines: a digest, which stays in memory
	shared   *Shared
}

// A tokenPlace is where a token goes.
type tokenPlace struct {
	inject.Place
	prefix string // what comes before the token
}

// bearer is the place of all connectors without a placement.
var bearer = placeOf(dialect.Placement{})

// placeOf returns a place that was checked before.
func placeOf(p dialect.Placement) *tokenPlace {
	place, prefix, _ := check.TokenPlace(p)
	return &tokenPlace{place, prefix}
}

// standard is the dialect of all connectors without a dialect.
var standard dialect.OAuth2

// clients remember each oauth2Client, for as long as a connector uses the oauth2Client. Of
// several that are called the same, the last one counts.
type clients struct {
	mu   sync.Mutex
	last map[clientName]weak.Pointer[oauth2Client]
}

type clientName struct{ id, tokenURL, scope string }

// maxClients limits what a Shared remembers.
const maxClients = 1000

// clientOf returns the oauth2Client of a config without mistakes: one that is in use, or
// a new one.
func clientOf(config *OAuth2Config, hosts origin.Set) *oauth2Client {
	shared := config.Shared.orProgram()
	known := &shared.clients
	name := clientName{config.ClientID, origin.ASCIIURL(config.TokenURL), scopeOf(config)}
	known.mu.Lock()
	p := known.last[name]
	known.mu.Unlock()
	few := rareOf(config)
	if c := p.Value(); c != nil && c.serves(config, &few) {
		return c
	}
	c := newOAuth2Client(config, name, few, hosts)
	c.shared = shared
	known.mu.Lock()
	defer known.mu.Unlock()
	if known.last == nil || len(known.last) >= maxClients {
		known.last = make(map[clientName]weak.Pointer[oauth2Client])
	}
	known.last[name] = weak.Make(c)
	return c
}

// serves reports whether config, whose rare fields are few, says what c was made of, with
// the same clientName.
func (c *oauth2Client) serves(config *OAuth2Config, few *rare) bool {
	return c.clientSecret == config.ClientSecret &&
		c.lead == leadOf(config) &&
		c.httpClient == config.HTTPClient &&
		slices.Equal(c.listed, config.Hosts) &&
		equalRare(c.rare, few) &&
		sameValue(c.clientAuth, clientAuthOf(config)) &&
		sameValue(c.proof, config.Proof) &&
		sameGrant(c.grant, config.Grant) &&
		c.traits == config.Grant.Traits() &&
		(c.dialect == &standard) == isStandard(&config.Dialect) &&
		(c.dialect == &standard || reflect.DeepEqual(*c.dialect, config.Dialect))
}

// sameValue reports whether two values of the program are the same. Values that cannot be
// compared are not.
func sameValue(a, b any) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && (a == nil || reflect.ValueOf(a).Comparable() && a == b)
}

// sameGrant is sameValue, and compares the Params of our own grants too.
func sameGrant(a, b Grant) bool {
	switch a.(type) {
	case AuthorizationCode, DeviceCode:
		return reflect.DeepEqual(a, b)
	}
	return sameValue(a, b)
}

func equalRare(a, b *rare) bool {
	if a == nil {
		return *b == rare{}
	}
	return *a == *b
}

func isStandard(d *dialect.OAuth2) bool { return reflect.ValueOf(d).Elem().IsZero() }

func leadOf(config *OAuth2Config) time.Duration { return cmp.Or(config.RenewBefore, 5*time.Minute) }

func scopeOf(config *OAuth2Config) string {
	return strings.Join(config.Scopes, cmp.Or(config.Dialect.ScopeSeparator, " "))
}

func clientAuthOf(config *OAuth2Config) ClientAuth {
	if config.ClientAuth == nil {
		return ClientSecretBasic
	}
	return config.ClientAuth
}

// rareOf returns the rare fields of config.
func rareOf(config *OAuth2Config) rare {
	few := rare{
		formerURL: config.FormerTokenURL, revokeURL: config.RevokeURL, resources: strings.Join(config.Resources, " "),
		refreshLifetime: config.RefreshLifetime, refreshIdle: config.RefreshIdle,
	}
	if login, ok := config.Grant.(PasswordCredentials); ok {
		few.login = &renew.Login{Secret: string(login.Password)}
	}
	return few
}

// newOAuth2Client returns the oauth2Client of config, whose rare fields are few.
func newOAuth2Client(config *OAuth2Config, name clientName, few rare, hosts origin.Set) *oauth2Client {
	c := &oauth2Client{
		clientID: config.ClientID, clientSecret: config.ClientSecret, clientAuth: clientAuthOf(config),
		tokenURL: name.tokenURL, scope: name.scope,
		grant: config.Grant, traits: config.Grant.Traits(), dialect: &standard, proof: config.Proof, place: bearer,
		lead: leadOf(config), httpClient: config.HTTPClient, listed: slices.Clone(config.Hosts), hosts: hosts,
	}
	switch grant := config.Grant.(type) {
	case AuthorizationCode:
		grant.Params = cloneValues(grant.Params)
		c.grant = grant
	case DeviceCode:
		grant.Params = cloneValues(grant.Params)
		c.grant = grant
	}
	if !isStandard(&config.Dialect) {
		d := config.Dialect.Clone()
		c.dialect = &d
	}
	if c.dialect.Placement != (dialect.Placement{}) {
		c.place = placeOf(c.dialect.Placement)
	}
	if few != (rare{}) {
		c.rare = &few
	}
	// In memory, another secret or password must not inherit what is known of the
	// failures of the former. The record in a Store keeps its pause.
	var password string
	if few.login != nil {
		password = few.login.Secret
	}
	prefix := c.place.prefix
	if c.proof != nil {
		prefix = strings.Join(c.proof.TokenTypes(), " ")
	}
	c.identity = pending.Identity(c.tokenURL, c.clientID, c.grant.GrantType(), c.traits.Subject, prefix, string(c.clientSecret), password)
	return c
}
