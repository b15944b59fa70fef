package connectorauth_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCustomMaySignTheBody(t *testing.T) {
	var sent fakehttp.Bodies
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return err
		}
		req.Body.Close()
		req.Body = io.NopCloser(bytes.NewReader(body))
		mac := hmac.New(sha256.New, []byte(customSecret))
		mac.Write(body)
		req.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
		return nil
	}}))
	assert.Equal(t, connectorauth.AuthTypeCustom, c.AuthType())
	base := &fakehttp.Base{}
	req := sent.Request(t, http.MethodPost, home, "text/plain", "hello", false)
	_, err := c.Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, "hello", base.Requests()[0].Body)
	assert.Len(t, base.Requests()[0].Header.Get("X-Signature"), 64)
	assert.NotContains(t, req.Header, "X-Signature")
	sent.RequireClosedOnce(t)
}

func TestCustomErrorStopsTheRequest(t *testing.T) {
	replacement := &fakehttp.Body{Reader: strings.NewReader("other")}
	type credential = connectorauth.CustomCredential
	tests := map[string]func(*http.Request, credential) error{
		"at once": func(*http.Request, credential) error { return errBroken },
		"after it replaced the body": func(req *http.Request, _ credential) error {
			req.Body.Close()
			req.Body = replacement
			return errBroken
		},
		"after it took the body away": func(req *http.Request, _ credential) error {
			req.Body.Close()
			req.Body = nil
			return errBroken
		},
	}
	for name, authenticate := range tests {
		obtain := func(_ context.Context, old credential, _ *http.Response) (credential, error) { return old, nil }
		for _, obtain := range []func(context.Context, credential, *http.Response) (credential, error){nil, obtain} {
			t.Run(name, func(t *testing.T) {
				var sent fakehttp.Bodies
				base := &fakehttp.Base{}
				c := must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: authenticate, Obtain: obtain}))
				_, err := c.Wrap(base).RoundTrip(sent.Request(t, http.MethodPost, home, "text/plain", "hello", true))
				require.ErrorIs(t, err, errBroken)
				assert.Empty(t, base.Requests())
				sent.RequireClosedOnce(t)
			})
		}
	}
	assert.EqualValues(t, 2, replacement.Closed.Load(), "once for each use")
}

func TestCustomWorksOnACopy(t *testing.T) {
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
		req.URL.Path = "/other"
		req.URL.RawQuery = "x=y"
		req.Header["A"][0] = "changed"
		req.Header.Add("B", "added")
		req.Method = http.MethodPut
		return nil
	}}))
	base := &fakehttp.Base{}
	req := must(http.NewRequest(http.MethodPost, home+"/path", nil))
	req.Header["A"] = []string{"original"}
	resp, err := c.Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, home+"/path", req.URL.String())
	assert.Equal(t, http.Header{"A": {"original"}}, req.Header)
	assert.Equal(t, http.MethodPost, req.Method)
	assert.Same(t, req, resp.Request)
	assert.Equal(t, home+"/other?x=y", base.Requests()[0].URL.String())
	assert.Equal(t, "changed", base.Requests()[0].Header.Get("A"))
}

func TestCustomMayNotLeadCredentialsElsewhere(t *testing.T) {
	tests := []struct {
		name    string
		to      string
		hosts   []string
		allowed bool
	}{
		{"another path", home + "/v2", nil, true},
		{"another host", foreign, nil, false},
		{"another port", otherPort, nil, false},
		{"plain http", plainHTTP, nil, false},
		{"another host that is listed", foreign, []string{"api.example.test", "other.example.test"}, true},
		{"another host that is not listed", subdomain, []string{"api.example.test", "other.example.test"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var sent fakehttp.Bodies
			base := &fakehttp.Base{}
			c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
				Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
					req.URL = must(url.Parse(test.to + "?token=" + url.QueryEscape(customSecret)))
					return nil
				},
				Hosts: test.hosts,
			}))
			_, err := c.Wrap(base).RoundTrip(sent.Request(t, http.MethodPost, home, "text/plain", "hello", true))
			sent.RequireClosedOnce(t)
			if test.allowed {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
			assert.Empty(t, canary.Found(err.Error(), customSecret))
			assert.Empty(t, base.Requests())
		})
	}
}

func TestCustomSeesNoForeignRequest(t *testing.T) {
	n := fakehttp.NewInternet(t)
	var called []string
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
		called = append(called, req.URL.String())
		return nil
	}}))
	n.Redirect(307, home+"/a", home+"/b", foreign+"/c", home+"/d")
	visit(t, n, c, home+"/a")
	assert.Len(t, n.Trail, 4)
	assert.Equal(t, []string{home + "/a", home + "/b"}, called)
}

func TestObtainIsNotTraced(t *testing.T) {
	ctx := httptrace.WithClientTrace(t.Context(), new(httptrace.ClientTrace))
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
		Obtain: func(ctx context.Context, _ connectorauth.CustomCredential, _ *http.Response) (v connectorauth.CustomCredential, err error) {
			assert.Nil(t, httptrace.ContextClientTrace(ctx), "a trace of the request to the API would see the login")
			return v, nil
		},
	}))
	_, err := c.Wrap(&fakehttp.Base{}).RoundTrip(must(http.NewRequestWithContext(ctx, http.MethodGet, home, nil)))
	require.NoError(t, err)
}

func TestCustomConfigIsChecked(t *testing.T) {
	type config = connectorauth.CustomConfig
	nothing := func(*http.Request, connectorauth.CustomCredential) error { return nil }
	obtain := func(context.Context, connectorauth.CustomCredential, *http.Response) (v connectorauth.CustomCredential, err error) {
		return
	}
	tests := []badConfig[config]{
		{"nothing", config{}, "Authenticate: is required"},
		{"only Obtain", config{Obtain: obtain}, "Authenticate: is required"},
		{"Store without Obtain", config{Authenticate: nothing, Store: new(tokenstore.Memory), Account: "a"}, "Store: has nothing to keep without Obtain; leave Store out, or set Obtain"},
		{"Store without Account", config{Authenticate: nothing, Obtain: obtain, Store: new(tokenstore.Memory)}, "Account: is empty"},
		{"negative RenewBefore", config{Authenticate: nothing, RenewBefore: -1}, "RenewBefore: is negative"},
	}
	for _, host := range badHosts {
		tests = append(tests, badConfig[config]{"host " + host, config{Authenticate: nothing, Hosts: []string{host}}, "Hosts: host"})
	}
	checkBadConfigs(t, "CustomConfig", tests, func(c config) error {
		_, err := connectorauth.NewCustom(c)
		return err
	})
	_, err := connectorauth.NewCustom(config{Hosts: []string{""}})
	assert.ErrorContains(t, err, "Authenticate: is required")
	assert.ErrorContains(t, err, "Hosts:")
}

func TestCustomMayMoveARequestToAnotherOfItsHosts(t *testing.T) {
	base := &fakehttp.Base{}
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
			req.URL.Host = "eu.example.com"
			return nil
		},
		Hosts: []string{"*.example.com"},
	}))
	var host string
	client := &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		host = req.Host
		return base.RoundTrip(req)
	})}
	get(t, c, client, "https://api.example.com/")
	assert.Empty(t, host, "net/http then sends the host of the URL")
}

func TestCustomFunctionsThatPanicOrQuoteTheirCredential(t *testing.T) {
	obtain := func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
		return connectorauth.CustomCredential{Value: customSecret}, nil
	}
	authenticate := func(*http.Request, connectorauth.CustomCredential) error { return nil }
	for name, config := range map[string]connectorauth.CustomConfig{
		"Authenticate panics": {Obtain: obtain, Authenticate: func(_ *http.Request, v connectorauth.CustomCredential) error { panic(string(v.Value)) }},
		"Authenticate quotes": {Obtain: obtain, Authenticate: func(_ *http.Request, v connectorauth.CustomCredential) error {
			return fmt.Errorf("bad key %s", string(v.Value))
		}},
		"Obtain panics": {Authenticate: authenticate, Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
			panic(customSecret)
		}},
		"Rejected panics": {Authenticate: authenticate, Obtain: obtain, Rejected: func(*http.Response) bool { panic(customSecret) }},
	} {
		var sent fakehttp.Bodies
		resp, err := must(connectorauth.NewCustom(config)).Wrap(&fakehttp.Base{}).RoundTrip(sent.Request(t, http.MethodPost, home, "text/plain", "hello", true))
		sent.RequireClosedOnce(t)
		if name == "Rejected panics" {
			require.NoError(t, err)
			assert.Equal(t, 200, resp.StatusCode, "a panic counts as no")
			continue
		}
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), customSecret, name)
	}
}

func TestHeaderOfACustomReplacesTheCallersInAnySpelling(t *testing.T) {
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Header: "authorization",
		Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
			req.Header.Set("Authorization", "Own "+customSecret)
			return nil
		},
	}))
	base := &fakehttp.Base{}
	req := must(http.NewRequest(http.MethodGet, home, nil))
	req.Header["authorization"], req.Header["AUTHORIZATION"] = []string{"mine"}, []string{"mine"}
	_, err := c.Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, http.Header{"Authorization": {"Own " + customSecret}}, base.Requests()[0].Header)

	_, err = connectorauth.Join(c, must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "u"})))
	require.ErrorContains(t, err, "two credentials for the header Authorization")
	_, err = connectorauth.NewCustom(connectorauth.CustomConfig{Header: "a b", Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil }})
	require.ErrorContains(t, err, `Header: "a b" is not a header name`)
}

func TestRejectedSeesTheRequestAsItWasSent(t *testing.T) {
	var seen, obtained []string
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(req *http.Request, value connectorauth.CustomCredential) error {
			req.Header.Set("X-Number", string(value.Value))
			return nil
		},
		Obtain: func(_ context.Context, old connectorauth.CustomCredential, rejection *http.Response) (connectorauth.CustomCredential, error) {
			if rejection != nil {
				obtained = append(obtained, rejection.Request.Header.Get("X-Number"))
			}
			return connectorauth.CustomCredential{Value: old.Value + "1"}, nil
		},
		Rejected: func(resp *http.Response) bool {
			seen = append(seen, resp.Request.Header.Get("X-Number"))
			return resp.StatusCode == http.StatusForbidden
		},
	}))
	base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("X-Number") == "1" {
			return fakehttp.Respond(http.StatusForbidden, ""), nil
		}
		return fakehttp.Respond(http.StatusOK, ""), nil
	}}
	code, _ := get(t, c, &http.Client{Transport: base}, home)
	assert.Equal(t, 200, code)
	assert.Equal(t, []string{"1", "11"}, seen)
	assert.Equal(t, []string{"1"}, obtained)
}
