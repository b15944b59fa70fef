package connectorauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// only returns the function of WithHosts that always allows the same hosts.
func only(hosts ...string) func(context.Context) ([]string, error) {
	return func(context.Context) ([]string, error) { return hosts, nil }
}

// Whatever is made of a connector, requests go only where WithHosts says.
func TestWithHostsNarrowsEachRequest(t *testing.T) {
	wide := []string{"*.example.com"}
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: wide}))
	other := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InQuery, Name: "key", Hosts: wide}))
	moves := connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
		if e.Request.URL.Path == "/moves" {
			e.Request.URL.Host = "b.example.com"
		}
		return nil
	}}
	own := only("a.example.com")
	for name, c := range map[string]connectorauth.Connector{
		"alone":          connectorauth.WithHosts(key, own),
		"twice":          connectorauth.WithHosts(connectorauth.WithHosts(key, only("a.example.com", "c.example.com")), only("*.example.com", "a.example.com")),
		"joined":         must(connectorauth.Join(connectorauth.WithHosts(key, own), other)),
		"joined twice":   must(connectorauth.Join(must(connectorauth.Join(other, connectorauth.WithHosts(key, own))), connectorauth.None{})),
		"over a join":    connectorauth.WithHosts(must(connectorauth.Join(key, other)), own),
		"under hooks":    connectorauth.WithHooks(connectorauth.WithHosts(key, own), moves),
		"over hooks":     connectorauth.WithHosts(connectorauth.WithHooks(key, moves), own),
		"under a base":   connectorauth.WithBase(connectorauth.WithHosts(key, own), func(b http.RoundTripper) http.RoundTripper { return b }),
		"stranger":       connectorauth.WithHosts(stranger{}, own),
		"none":           connectorauth.WithHosts(connectorauth.None{}, own),
		"none and hooks": connectorauth.WithHooks(connectorauth.WithHosts(connectorauth.None{}, own), moves),
	} {
		t.Run(name, func(t *testing.T) {
			base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
				resp := fakehttp.Respond(200, "")
				if req.URL.Path == "/away" {
					resp = fakehttp.Respond(307, "")
					resp.Header.Set("Location", "https://b.example.com/")
				}
				return resp, nil
			}}
			client := connectorauth.NewClient(c, &http.Client{Transport: base})
			resp, err := client.Get("https://a.example.com/")
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Len(t, base.Requests(), 1)
			for _, foreign := range []string{"https://b.example.com/", "https://x.a.example.com/", "https://a.example.com:8443/"} {
				body := &closed{}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, foreign, body)
				require.NoError(t, err)
				_, err = client.Transport.RoundTrip(req)
				if name != "twice" || foreign != "https://a.example.com:8443/" {
					assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed, foreign)
				}
				assert.Equal(t, 1, body.times)
			}
			assert.Len(t, base.Requests(), 1)
		})
	}
	for _, hooked := range []connectorauth.Connector{
		connectorauth.WithHooks(connectorauth.WithHosts(key, own), moves), connectorauth.WithHosts(connectorauth.WithHooks(key, moves), own),
		must(connectorauth.Join(connectorauth.WithHosts(key, own), connectorauth.WithHooks(other, moves))),
	} {
		base := &fakehttp.Base{}
		_, err := connectorauth.NewClient(hooked, &http.Client{Transport: base}).Get("https://a.example.com/moves")
		assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
		assert.Empty(t, base.Requests())
	}
}

// What decides where requests go copies no request: only hooks see one of their own.
func TestWithBaseAndWithHostsCopyNoURL(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: []string{"a.example.com"}}))
	var sent *url.URL
	base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		sent = req.URL
		return fakehttp.Respond(200, ""), nil
	})
	bound := connectorauth.WithHosts(connectorauth.WithBase(key, func(b http.RoundTripper) http.RoundTripper { return b }), only("a.example.com"))
	for c, same := range map[connectorauth.Connector]bool{
		key: true, bound: true, connectorauth.WithHooks(bound, connectorauth.Hooks{BeforeRequest: func(*connectorauth.Exchange) error { return nil }}): false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example.com/", nil)
		require.NoError(t, err)
		resp, err := c.Wrap(base).RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, same, sent == req.URL)
	}
}

// closed counts how often a body is closed.
type closed struct{ times int }

func (*closed) Read([]byte) (int, error) { return 0, errors.New("nobody reads") }
func (c *closed) Close() error           { c.times++; return nil }

// A redirect to a host that the function does not allow, or that leaves Hosts, goes on
// without credentials, also when another redirect comes back.
func TestWithHostsAndRedirects(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: []string{"*.example.com"}}))
	base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(200, "")
		if to := req.URL.Query().Get("to"); to != "" {
			resp = fakehttp.Respond(302, "")
			resp.Header.Set("Location", to)
		}
		return resp, nil
	}}
	for _, c := range []connectorauth.Connector{
		connectorauth.WithHosts(key, only("a.example.com")),
		connectorauth.WithHosts(connectorauth.WithHosts(key, only("*.example.com")), only("a.example.com")),
		connectorauth.WithHosts(connectorauth.WithHosts(key, only("a.example.com")), only("*.example.com")),
	} {
		client := connectorauth.NewClient(c, &http.Client{Transport: base})
		for to, want := range map[string][]string{
			"https://a.example.com/other":                              {secretKey, secretKey},
			"https://b.example.com/":                                   {secretKey, ""},
			"https://files.example.net/":                               {secretKey, ""},
			"https://b.example.com/?to=https%3A%2F%2Fa.example.com%2F": {secretKey, "", ""},
		} {
			base.Forget()
			resp, err := client.Get("https://a.example.com/?to=" + url.QueryEscape(to))
			require.NoError(t, err, to)
			require.NoError(t, resp.Body.Close())
			var got []string
			for _, req := range base.Requests() {
				got = append(got, req.Header.Get("Authorization"))
			}
			assert.Equal(t, want, got, to)
		}
	}
}

// No list of hosts allows more than Hosts, and what is no list is an error.
func TestWithHostsThatAllowNothing(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: []string{"api.example.com"}}))
	for want, hosts := range map[string]func(context.Context) ([]string, error){
		"there is no host to which requests may go":   only(),
		"no host to which requests may go at present": func(context.Context) ([]string, error) { return []string{}, nil },
		"the host is unknown":                         func(context.Context) ([]string, error) { return nil, errors.New("the host is unknown") },
		"panic of type string":                        func(context.Context) ([]string, error) { panic(secretKey) },
		"WithHosts: host \"api...\"":                  only("api?.example.com"),
		"is not among the connector's Hosts":          only("www.example.com"),
	} {
		base := &fakehttp.Base{}
		_, err := connectorauth.NewClient(connectorauth.WithHosts(key, hosts), &http.Client{Transport: base}).Get("https://api.example.com")
		assert.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), secretKey)
		assert.Empty(t, base.Requests())
	}
	_, err := connectorauth.NewClient(connectorauth.WithHosts(key, only("www.example.com")), nil).Get("https://www.example.com")
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
}

// The hosts are read for each request, and may be other ones each time, in the same list too.
func TestWithHostsFollowsTheHosts(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: []string{"*.example.com"}}))
	list := []string{"a.example.com"}
	c := connectorauth.WithHosts(key, func(context.Context) ([]string, error) { return list, nil })
	for _, move := range []func(host string){
		func(host string) { list = []string{host} },
		func(host string) { list[0] = host },
		func(host string) { list = []string{host, host} },
	} {
		for _, host := range []string{"a.example.com", "b.example.com", "a.example.com"} {
			move(host)
			for _, asked := range []string{"a.example.com", "b.example.com"} {
				base := &fakehttp.Base{}
				_, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, "https://"+asked+"/", nil)))
				if asked == host {
					assert.NoError(t, err)
				} else {
					assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
					assert.Empty(t, base.Requests())
				}
			}
		}
	}
}

// A request that was allowed is asked about once more right before it is sent: an error then
// is an error too.
func TestWithHostsMayFailRightBeforeARequestIsSent(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: []string{"api.example.com"}}))
	calls, base := 0, &fakehttp.Base{}
	c := connectorauth.WithHosts(key, func(context.Context) ([]string, error) {
		if calls++; calls == 2 {
			return nil, errors.New("the host is unknown")
		}
		return []string{"api.example.com"}, nil
	})
	_, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, "https://api.example.com/", nil)))
	assert.ErrorContains(t, err, "the host is unknown")
	assert.Empty(t, base.Requests())
}
