package connectorauth_test

import (
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// into returns a choice of base, and how often which base was given.
func into(base http.RoundTripper) (choose func(http.RoundTripper) http.RoundTripper, given *[]http.RoundTripper) {
	given = new([]http.RoundTripper)
	return func(b http.RoundTripper) http.RoundTripper {
		*given = append(*given, b)
		return base
	}, given
}

// Whatever is made of a connector, the requests go where WithBase says, with credentials
// and without.
func TestWithBaseSendsEachRequest(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: []string{"api.example.com"}}))
	other := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InQuery, Name: "key", Hosts: []string{"api.example.com"}}))
	own := must(connectorauth.NewCustom(connectorauth.CustomConfig{Transport: &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
		t.Error("the Transport of a CustomConfig was used")
		return fakehttp.Respond(200, ""), nil
	}}, Hosts: []string{"api.example.com"}}))
	for name, make := range map[string]func(choose func(http.RoundTripper) http.RoundTripper) connectorauth.Connector{
		"alone": func(f func(http.RoundTripper) http.RoundTripper) connectorauth.Connector {
			return connectorauth.WithBase(key, f)
		},
		"joined": func(f func(http.RoundTripper) http.RoundTripper) connectorauth.Connector {
			return must(connectorauth.Join(key, connectorauth.WithBase(other, f)))
		},
		"joined twice": func(f func(http.RoundTripper) http.RoundTripper) connectorauth.Connector {
			return must(connectorauth.Join(must(connectorauth.Join(connectorauth.WithBase(key, f), connectorauth.None{})), other))
		},
		"over a join": func(f func(http.RoundTripper) http.RoundTripper) connectorauth.Connector {
			return connectorauth.WithBase(must(connectorauth.Join(key, other)), f)
		},
		"under hooks": func(f func(http.RoundTripper) http.RoundTripper) connectorauth.Connector {
			return connectorauth.WithHooks(connectorauth.WithBase(key, f), connectorauth.Hooks{})
		},
		"over hooks": func(f func(http.RoundTripper) http.RoundTripper) connectorauth.Connector {
			return connectorauth.WithBase(connectorauth.WithHooks(key, connectorauth.Hooks{}), f)
		},
		"none": func(f func(http.RoundTripper) http.RoundTripper) connectorauth.Connector {
			return connectorauth.WithBase(connectorauth.None{}, f)
		},
		"none under hooks": func(f func(http.RoundTripper) http.RoundTripper) connectorauth.Connector {
			return connectorauth.WithHooks(connectorauth.WithBase(connectorauth.None{}, f), connectorauth.Hooks{})
		},
		"stranger": func(f func(http.RoundTripper) http.RoundTripper) connectorauth.Connector {
			return connectorauth.WithBase(stranger{}, f)
		},
		"transport of its own": func(f func(http.RoundTripper) http.RoundTripper) connectorauth.Connector {
			return must(connectorauth.Join(own, connectorauth.WithBase(key, f)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			chosen, unused := &fakehttp.Base{}, &fakehttp.Base{}
			chosen.Answer = func(req *http.Request) (*http.Response, error) {
				if req.URL.Path == "/away" {
					resp := fakehttp.Respond(302, "")
					resp.Header.Set("Location", "https://elsewhere.example.com/")
					return resp, nil
				}
				return fakehttp.Respond(200, ""), nil
			}
			choose, given := into(chosen)
			client := connectorauth.NewClient(make(choose), &http.Client{Transport: unused})
			resp, err := client.Get("https://api.example.com/away")
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Len(t, chosen.Requests(), 2)
			assert.Empty(t, unused.Requests())
			assert.Contains(t, *given, http.RoundTripper(unused))
		})
	}
}

func TestWithBaseKeepsTheTypeAndGetsWhatIsGiven(t *testing.T) {
	tokens := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{ClientID: "c", ClientSecret: "s", TokenURL: "https://p.example/", Grant: connectorauth.ClientCredentials{}}))
	first, last := &fakehttp.Base{}, &fakehttp.Base{}
	chooseFirst, givenFirst := into(first)
	chooseLast, givenLast := into(last)
	inner := connectorauth.WithBase(tokens, chooseLast)
	outer := connectorauth.WithBase(inner, chooseFirst)
	assert.IsType(t, tokens, outer)
	outer.Wrap(nil)
	assert.Equal(t, []http.RoundTripper{nil}, *givenFirst)
	assert.Equal(t, []http.RoundTripper{first}, *givenLast)
	tokens.Wrap(nil)
	assert.Len(t, *givenLast, 1, "the connector itself is as before")
	connectorauth.WithBase(tokens, nil).Wrap(nil)
}

// A guard beneath a connector is seen, unless requests with credentials go elsewhere.
func TestAGuardBeneathAConnectorIsSeen(t *testing.T) {
	guard := must(egress.New(egress.Config{}))
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: []string{"api.example.com"}}))
	own := must(connectorauth.NewCustom(connectorauth.CustomConfig{Transport: http.DefaultTransport, Hosts: []string{"api.example.com"}}))
	choose, _ := into(guard)
	assert.True(t, egress.Guards(key.Wrap(guard)))
	assert.True(t, egress.Guards(connectorauth.WithBase(key, choose).Wrap(nil)))
	assert.False(t, egress.Guards(key.Wrap(http.DefaultTransport)))
	assert.False(t, egress.Guards(own.Wrap(guard)), "requests with credentials have another transport")
}
