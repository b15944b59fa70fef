package authtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Provider is a running provider. [New] sets the exported fields; do not
// change the fields. All methods are safe for concurrent use.
type Provider struct {
	// URL is the provider's origin, such as http://127.0.0.1:12345.
	URL string

	ClientID, ClientSecret string         // the registered application
	Username, Password     string         // the account owner, and the first of Owners
	APIKey                 string         // the account owner's key for the Key…URL endpoints
	Owners                 []Owner        // all account owners, with the random values
	Fields                 map[string]any // the fields for FieldsURL

	// OAuth2 endpoints (RFC 6749, RFC 7009).
	AuthURL, TokenURL, RevokeURL string
	KeysURL                      string // the JWK Set of access tokens: see Config.JWTAccessTokens
	// The endpoint for pushed authorization requests (RFC 9126). A request_uri serves one
	// consent, which begins within a minute.
	PushedAuthorizationRequestURL string
	// The endpoint where a device begins (RFC 8628): see AuthorizeDevice. The codes are
	// valid for ten minutes, and polls are five seconds apart.
	DeviceURL string
	// Metadata of the authorization server (RFC 8414, OpenID Connect Discovery 1.0), whose
	// issuer identifier is URL; and of the API (RFC 9728): the path of an API endpoint
	// follows ResourceMetadataURL.
	MetadataURL, OpenIDMetadataURL, ResourceMetadataURL string
	// RegisterURL registers applications (RFC 7591), and below it applications are read,
	// changed and removed (RFC 7592).
	RegisterURL string
	// OAuth1 endpoints (RFC 5849 section 2).
	RequestTokenURL, AuthorizeURL, AccessTokenURL string

	// Endpoints where the account owner logs in with Username and Password, and gets the
	// token of a session for SessionURL. Wrong credentials have status 401, and a locked
	// account status 423: see Config.LockAfter.
	LoginJSONURL      string // a JSON object with username and password; the response has session.token, renewal, expires_in and expires
	LoginFormURL      string // a form with username and password; a redirect with the cookie SID, which is of no use after a refusal
	LoginXMLURL       string // XML as Tableau's: tsRequest, credentials with name and password, site; the response has credentials with the attribute token
	LoginBasicURL     string // Basic; the token is in the header X-Auth-Token
	LoginBeginURL     string // the first step of two: data.0.ticket and the cookie PRESID, for the second step at LoginFinishURL, which is like LoginJSONURL
	LoginAssertionURL string // an assertion as for AssertionURL, in place of a password; the response has token and expires_at
	SessionRenewURL   string // a form with renewal, which serves once; the response is that of LoginJSONURL
	LogoutURL         string // the token as for SessionURL; status 204

	// API endpoints. An endpoint takes any method, and any path below the
	// endpoint's path. An endpoint requires the credential in the list, exactly
	// once, and responds with an [Identity] as JSON. The status is 401 if the
	// credential is missing or wrong, 400 if the credential is repeated, and 415
	// if the body is neither a form nor a JSON object.
	OpenURL             string // no credential
	BearerURL           string // an OAuth2 access token in the Authorization header; with a proof if the token is bound to a key
	KeyHeaderURL        string // APIKey in the header X-Api-Key
	KeyAuthorizationURL string // APIKey in the header Authorization, alone or after a word such as "ApiKey "
	KeyQueryURL         string // APIKey in the query parameter api_key
	KeyCookieURL        string // APIKey in the cookie api_key
	KeyBodyURL          string // APIKey in the field api_key of a form or JSON object
	KeyPathURL          string // APIKey in the place of {key}, percent-encoded, in the path
	BasicURL            string // Username and Password (RFC 7617)
	BasicKeyURL         string // APIKey as the user name of Basic, with an empty password; the key must not contain a colon
	OAuth1URL           string // an OAuth1 signature, with or without a token
	FieldsURL           string // Fields in a form or JSON object
	SessionURL          string // the token of a session in the header X-Session, in the cookie SID, or in the Authorization header after "Bearer "
	AssertionURL        string // an assertion in the Authorization header, after "Bearer "

	config    Config
	owners    owners
	routes    map[string]http.HandlerFunc // by path; read only
	server    *httptest.Server
	transport *http.Transport
	stop      context.CancelFunc // ends delays and other waits of handlers

	mu         sync.Mutex // guards the fields below
	oauth2     oauth2State
	oauth1     oauth1State
	proofs     proofState
	sessions   sessionState
	stats      Stats
	seen       int                  // the number of requests so far
	requests   map[string][]Request // the latest requests, by route
	injections map[string][]*injection
}

// NewProvider starts a provider with the zero [Config]. The provider closes
// when the test ends. With another config, write
//
//	p := authtest.New(authtest.Config{TLS: true})
//	t.Cleanup(p.Close)
func NewProvider(t testing.TB) *Provider {
	t.Helper()
	p := New(Config{})
	t.Cleanup(p.Close)
	return p
}

// New starts a provider on a free loopback port. The caller must call Close.
// New panics if the config is not valid, and, like [httptest.NewServer], if no
// port is free.
func New(c Config) *Provider {
	c = c.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	p := &Provider{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret,
		Username: c.Username, Password: c.Password,
		APIKey: c.APIKey, Fields: c.Fields, Owners: slices.Clone(c.Owners),
		config:     c,
		owners:     newOwners(c.Owners),
		stop:       stop,
		oauth2:     newOAuth2State(),
		oauth1:     newOAuth1State(),
		proofs:     proofState{seen: map[string]time.Time{}},
		sessions:   newSessionState(),
		stats:      Stats{Issued: map[string]int{}},
		requests:   map[string][]Request{},
		injections: map[string][]*injection{},
	}
	p.transport = &http.Transport{MaxIdleConnsPerHost: 100}
	if c.InMemory {
		network := newMemoryNetwork(c.TLS)
		p.server = &httptest.Server{Listener: network, Config: &http.Server{Handler: p.Handler()}}
		p.transport.DialContext = network.dial
	} else {
		p.transport.DialContext = p.dial
		p.server = httptest.NewUnstartedServer(p.Handler())
		p.server.Config.ErrorLog = log.New(io.Discard, "", 0) // tests make clients give up; the log need not say so
	}
	p.server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	p.URL = "http://" + p.server.Listener.Addr().String()
	if c.TLS {
		p.URL = "https" + strings.TrimPrefix(p.URL, "http")
	}
	if c.JWTAccessTokens {
		p.oauth2.signer = newSigner(p.owners, p.URL, c.ClientID)
	}
	p.route()
	if c.TLS {
		p.server.StartTLS()
		trusted := x509.NewCertPool()
		trusted.AddCert(p.server.Certificate())
		p.transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
		if c.InMemory {
			p.transport.TLSClientConfig.ServerName = "example.com" // the certificate's, for all hosts lead here
		}
	} else {
		p.server.Start()
	}
	return p
}

// Close ends delays, closes the connections in use, waits for the handlers, and
// frees the port. A second Close does nothing.
func (p *Provider) Close() {
	p.stop()
	p.transport.CloseIdleConnections()
	p.server.CloseClientConnections()
	p.server.Close()
}

// Client returns a new http.Client that reaches the provider and trusts the
// provider's certificate. All clients of a provider share a Transport. Close
// closes the idle connections of the Transport.
func (p *Provider) Client() *http.Client { return &http.Client{Transport: p.transport} }
