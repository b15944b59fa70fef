package assertion_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// moved changes what a proof is about.
func moved(e *connectorauth.Exchange) error {
	e.Request.Method = http.MethodPut
	e.Request.URL.Path = "/api/bearer/moved by a hook/é"
	return nil
}

func TestProofIsOfTheRequestThatHooksLeave(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{RequireDPoP: true, DPoPNonce: true}, newDPoP(t, assertion.DPoPConfig{}))
	c := a.open(t)
	a.connect(t, c)
	var seen []string
	hooked := connectorauth.WithHooks(c, connectorauth.Hooks{
		BeforeRequest: func(e *connectorauth.Exchange) error {
			assert.Empty(t, e.Request.Header.Values("DPoP"), "the proof comes after the hooks")
			return moved(e)
		},
		AfterResponse: func(e *connectorauth.Exchange) error {
			claims := proofClaims(t, e.Request)
			seen = append(seen, claims["htm"].(string)+" "+claims["htu"].(string))
			return nil
		},
	})
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", In: "query", Name: "key"}))
	custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
		return moved(&connectorauth.Exchange{Request: req})
	}}))
	for name, connector := range map[string]connectorauth.Connector{
		"hooks": hooked, "joined hooks": must(connectorauth.Join(hooked, key)), "a joined function": must(connectorauth.Join(c, custom)),
	} {
		seen = nil
		a.RotateNonces() // so that the repetition has a proof of its own
		assert.NotEmpty(t, a.key(t, connector), name)
		if strings.Contains(name, "hooks") {
			want := "PUT " + a.URL + "/api/bearer/moved%20by%20a%20hook/%C3%A9"
			assert.Equal(t, []string{want, want}, seen, name)
		}
		last := a.Requests("")[len(a.Requests(""))-1]
		assert.Equal(t, http.MethodPut, last.Method, name)
		assert.Equal(t, "/api/bearer/moved by a hook/é", last.URL.Path, name)
	}
}

// A hook may write a host in Unicode. The request goes out in ASCII, and so does the proof.
func TestProofHasTheHostInASCII(t *testing.T) {
	proof := newDPoP(t, assertion.DPoPConfig{})
	var sent *http.Request
	p := authtest.New(authtest.Config{InMemory: true})
	defer p.Close()
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
		Proof: proof, HTTPClient: p.Client(), Hosts: []string{"*.example.com"}, Shared: new(connectorauth.Shared),
	}))
	hooked := connectorauth.WithHooks(c, connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
		e.Request.URL.Host = "bücher.example.com"
		return nil
	}})
	_, err := hooked.Wrap(keeping{&sent}).RoundTrip(must(http.NewRequest("GET", "https://api.example.com/a", nil)))
	require.NoError(t, err)
	assert.Equal(t, "xn--bcher-kva.example.com", sent.URL.Host)
	assert.Equal(t, "https://xn--bcher-kva.example.com/a", proofClaims(t, sent)["htu"])
}

// keeping is a base that keeps the last request.
type keeping struct{ last **http.Request }

func (k keeping) RoundTrip(req *http.Request) (*http.Response, error) {
	*k.last = req
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}, nil
}

func TestProofIsOfTheTokenRequestThatHooksLeave(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{RequireDPoP: true}, newDPoP(t, assertion.DPoPConfig{}))
	plain := a.open(t)
	a.connect(t, plain)
	calls := 0
	elsewhere := func(e *connectorauth.Exchange) error {
		calls++
		assert.Empty(t, e.Request.Header.Values("DPoP"))
		e.Request.Method = http.MethodPut
		e.Request.URL = must(url.Parse(strings.Replace(a.TokenURL, "/token", "/tenants/7/token", 1)))
		return nil
	}
	var claims []map[string]any
	a.config.HTTPClient = &http.Client{Transport: observed{a.Client().Transport, func(req *http.Request) {
		claims = append(claims, proofClaims(t, req))
		req.Method, req.URL.Path = http.MethodPost, must(url.Parse(a.TokenURL)).Path
	}}}
	c := connectorauth.WithHooks(a.open(t), connectorauth.Hooks{BeforeToken: elsewhere, BeforeRefresh: elsewhere}).(*connectorauth.OAuth2)
	require.Error(t, c.Renew(t.Context()), "the provider sees another URL than the proof")
	require.Len(t, claims, 1)
	assert.Equal(t, 1, calls)
	assert.Equal(t, http.MethodPut, claims[0]["htm"])
	assert.Equal(t, strings.Replace(a.TokenURL, "/token", "/tenants/7/token", 1), claims[0]["htu"])
}

// observed shows each request before the request is sent.
type observed struct {
	base http.RoundTripper
	see  func(*http.Request)
}

func (o observed) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	o.see(req)
	return o.base.RoundTrip(req)
}
