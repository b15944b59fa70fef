package connectorauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// urlPlaces are connectors that put key into URLs, each in another way. A connector is
// nil if its config refuses key.
var urlPlaces = []struct {
	name string
	make func(key string) connectorauth.Connector
}{
	{"query key", func(key string) connectorauth.Connector {
		c, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(key), In: dialect.InQuery, Name: "api_key"})
		return orNil(c, err)
	}},
	{"query key with a prefix", func(key string) connectorauth.Connector {
		c, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(key), Prefix: "Token ", In: dialect.InQuery, Name: "auth"})
		return orNil(c, err)
	}},
	{"access token with a prefix", func(key string) connectorauth.Connector {
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
			Dialect: dialect.OAuth2{Placement: dialect.Placement{In: dialect.InQuery, Name: "auth", Prefix: "oauth:"}},
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				return fakehttp.Respond(200, url.Values{"access_token": {key}}.Encode()), nil
			})},
		}))
		_, err := c.Token(context.Background())
		return orNil(c, err)
	}},
	{"OAuth1 token in the query", func(key string) connectorauth.Connector {
		c, err := connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "client", ClientSecret: clientSecret, Token: key, TokenSecret: tokenSecret, In: dialect.InQuery,
		})
		return orNil(c, err)
	}},
	{"hook", func(key string) connectorauth.Connector {
		return connectorauth.WithHooks(connectorauth.None{}, connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
			e.Request.URL.RawQuery += "&sig=" + url.QueryEscape(key)
			return nil
		}})
	}},
	{"hook that escapes little", func(key string) connectorauth.Connector {
		if strings.ContainsAny(key, "&#%+ ") || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return nil
		}
		return connectorauth.WithHooks(connectorauth.None{}, connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
			e.Request.URL.RawQuery += "&%zz;sig=" + key
			return nil
		}})
	}},
	{"Custom in the path", func(key string) connectorauth.Connector {
		return must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Authenticate: func(req *http.Request, value connectorauth.CustomCredential) error {
				req.URL = req.URL.JoinPath("bot" + url.PathEscape(string(value.Value)))
				return nil
			},
			Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
				return connectorauth.CustomCredential{Value: connectorauth.Secret(key)}, nil
			},
		}))
	}},
	{"Join", func(key string) connectorauth.Connector {
		c, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(key), Prefix: "Token ", In: dialect.InQuery, Name: "auth"})
		if err != nil {
			return nil
		}
		basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "user", Password: password}))
		return must(connectorauth.Join(basic, c))
	}},
}

func orNil(c connectorauth.Connector, err error) connectorauth.Connector {
	if err != nil {
		return nil
	}
	return c
}

// follow requests home with c, whose first response redirects to location, and
// returns the two requests. The second is nil if the redirect is not followed.
func follow(t testing.TB, c connectorauth.Connector, location string) (first, second *http.Request) {
	t.Helper()
	client := connectorauth.NewClient(c, &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if first == nil {
			first = req
			resp := fakehttp.Respond(307, "")
			resp.Header.Set("Location", location)
			return resp, nil
		}
		second = req
		return fakehttp.Respond(200, ""), nil
	})})
	if resp, err := client.Get(home + "/start?page=2"); err == nil {
		resp.Body.Close()
	}
	require.NotNil(t, first)
	return first, second
}

// mentions counts how often key stands in text, in any encoding.
func mentions(text, key string) (most int) {
	fold := func(s string) string { return strings.ReplaceAll(s, "+", " ") }
	for text, key = fold(text), fold(key); ; {
		most = max(most, strings.Count(text, key))
		decoded, err := url.QueryUnescape(text)
		if err != nil {
			decoded = unescapeWhatCanBe(text)
		}
		if decoded = fold(decoded); decoded == text {
			return most
		}
		text = decoded
	}
}

// unescapeWhatCanBe decodes a text with broken escapes.
func unescapeWhatCanBe(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if i+2 < len(text) && text[i] == '%' {
			if c, err := url.PathUnescape(text[i : i+3]); err == nil {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// What a server repeats of the key reaches no other origin, and its own origin gets
// the key once.
func TestRedirectCarriesTheKeyOfNoPlace(t *testing.T) {
	for _, key := range []string{"k+y/of=12;b", "the-key-of-16-or-more"} { // the first is 11 bytes long
		for _, place := range urlPlaces {
			c := place.make(key)
			if c == nil {
				continue
			}
			for _, around := range []string{"?x=KEY&b=2", "?next=https%3A%2F%2Fh%2F%3Fsig%3DKEY&b=2", "?a=1;sig=KEY&b=2", "/login?auth=KEY#KEY", "//u:KEY@h?", "?KEY", "/v1/KEY", "/botKEY/x", "?next=/botKEY/x&b=2"} {
				if len(key) < 16 && around != "?x=KEY&b=2" {
					continue // short values are ordinary words
				}
				for _, origin := range []string{home, foreign} {
					t.Run(place.name+"/"+around+"/"+origin, func(t *testing.T) {
						location := origin + strings.ReplaceAll(around, "KEY", url.QueryEscape(key))
						first, second := follow(t, c, location)
						require.Equal(t, 1, mentions(first.URL.String(), key), first.URL)
						if second == nil {
							return
						}
						want := 1
						if second.URL.Host != first.URL.Host {
							want = 0
						}
						assert.Equal(t, want, mentions(fakehttp.Request{Request: second}.String(), key), second.URL)
						if strings.Contains(around, "b=2") {
							assert.Contains(t, second.URL.RawQuery, "b=2")
						}
					})
				}
			}
		}
	}
}

// FuzzRedirectCarriesNoKey: whatever a redirect looks like, the key of the first
// request does not come out of the redirect, and a redirect without the key stays as
// the redirect is.
func FuzzRedirectCarriesNoKey(f *testing.F) {
	spellings := []func(string) string{
		func(s string) string { return s }, url.QueryEscape, url.PathEscape,
		func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
		func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
	}
	for place := range urlPlaces {
		for spelling, around := range []string{
			foreign + "/a?x=KEY&b=2#f", "/v2?a=1;sig=KEY", foreign + "/KEY", "//other.example.test/?u=https%3A%2F%2Fh%2F%3FKEY", "?%zz=KEY&&auth=Token+KEY", "#KEY", foreign + "/demos?page=2",
		} {
			f.Add(uint(place), "the-key+of/16=bytes;or more", around, uint(spelling))
			f.Add(uint(place), "0123456789abcdef", around, uint(spelling))
		}
	}
	f.Fuzz(func(t *testing.T, place uint, key, around string, spelling uint) {
		if len(key) < 16 || len(key) > 200 || len(around) > 500 {
			return
		}
		c := urlPlaces[place%uint(len(urlPlaces))].make(key)
		if c == nil {
			return
		}
		location := strings.ReplaceAll(around, "KEY", spellings[spelling%uint(len(spellings))](key))
		first, second := follow(t, c, location)
		once := mentions(first.URL.String(), key)
		if second != nil {
			if second.URL.Host != first.URL.Host || second.URL.Scheme != first.URL.Scheme {
				once = 0
			}
			require.LessOrEqual(t, mentions(second.URL.String(), key), once, "%q then %q", location, second.URL)
			require.LessOrEqual(t, mentions(second.Header.Get("Referer"), key), 0)
		}
		for parameter := range strings.FieldsFuncSeq(first.URL.RawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
			if name, _, _ := strings.Cut(parameter, "="); mentions(location, name) > 0 {
				return // a short value may be repeated under its name
			}
		}
		if mentions(location, key) > 0 {
			return
		}
		resp, err := c.Wrap(fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			resp := fakehttp.Respond(307, "")
			resp.Header.Set("Location", location)
			return resp, nil
		})).RoundTrip(must(http.NewRequest(http.MethodGet, home+"/start?page=2", nil)))
		require.NoError(t, err, location)
		require.Equal(t, location, resp.Header.Get("Location"))
	})
}

func TestErrorOfTheBaseShowsTheKeyOfNoPlace(t *testing.T) {
	const key = "the-key+of/16=bytes"
	for _, place := range urlPlaces {
		c := place.make(key)
		if c == nil {
			continue
		}
		for _, quote := range []func(*http.Request) string{
			func(req *http.Request) string { return req.URL.String() },
			func(req *http.Request) string { return req.URL.EscapedPath() + " and " + req.URL.RawQuery },
			func(*http.Request) string { return "no route for " + key },
			func(*http.Request) string { return "no route for " + url.QueryEscape(key) },
		} {
			_, err := c.Wrap(fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				return nil, errors.New(quote(req))
			})).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			require.Error(t, err)
			assert.Zero(t, mentions(err.Error(), key), "%s: %v", place.name, err)
		}
	}
}
