package connectorauth_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestCallersRequestIsNotModified(t *testing.T) {
	for _, s := range withPairs(tokenEndpoint()) {
		for _, contentType := range []string{"application/json", "application/x-www-form-urlencoded"} {
			t.Run(s.name+"/"+contentType, func(t *testing.T) {
				var sent fakehttp.Bodies
				req := sent.Request(t, http.MethodPost, home+"/path?a=1&api_key=mine&b=%zz;c", contentType, `{"a":1}`, true)
				req.Header["Authorization"] = []string{"mine", "too"}
				req.Header["x-API-key"] = []string{"mine"}
				req.Header["Cookie"] = []string{"a=b; api_key=mine", "c=d"}
				req.TransferEncoding = []string{"chunked"}
				before, body, getBody := req.Clone(t.Context()), req.Body, reflect.ValueOf(req.GetBody).Pointer()

				resp, err := s.connector.Wrap(&fakehttp.Base{}).RoundTrip(req)

				require.NoError(t, err)
				assert.Same(t, req, resp.Request)
				assert.Equal(t, before.URL, req.URL)
				assert.Equal(t, before.Header, req.Header)
				assert.Equal(t, before.ContentLength, req.ContentLength)
				assert.Equal(t, before.TransferEncoding, req.TransferEncoding)
				assert.Same(t, body, req.Body)
				assert.Equal(t, getBody, reflect.ValueOf(req.GetBody).Pointer())
				sent.RequireClosedOnce(t)
			})
		}
	}
}

func TestRequestWithoutHeaderMapGetsCredentials(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		base := &fakehttp.Base{}
		req := &http.Request{Method: http.MethodPost, URL: must(url.Parse(home))}
		resp, err := s.connector.Wrap(base).RoundTrip(req)
		require.NoError(t, err, s.name)
		assert.Same(t, req, resp.Request)
		assert.Nil(t, req.Header)
		assert.True(t, s.carries(base.Requests()[0].String()), s.name)
	}
}

func TestCallersCredentialIsReplaced(t *testing.T) {
	const mine = "mine-77"
	jsonPost := func(body string, headers ...string) func() *http.Request {
		return func() *http.Request {
			req := must(http.NewRequest(http.MethodPost, home+"/?a=1&api_key="+mine+"&api%5fkey="+mine+"&b=%zz;c", strings.NewReader(body)))
			req.Header.Set("Content-Type", "application/json")
			for i := 0; i < len(headers); i += 2 {
				req.Header[headers[i]] = append(req.Header[headers[i]], headers[i+1])
			}
			return req
		}
	}
	anyCase := func(names ...string) (headers []string) {
		for _, name := range names {
			headers = append(headers, name, mine)
		}
		return headers
	}
	authorization := jsonPost(`{}`, anyCase("Authorization", "Authorization", "authorization", "AUTHORIZATION", "auThorization")...)
	requests := map[string]func() *http.Request{
		"header key": jsonPost(`{}`, anyCase("X-Api-Key", "X-Api-Key", "x-api-key", "x-api-KEY", "X-API-Key")...),
		"query key":  jsonPost(`{}`),
		"cookie key": jsonPost(`{}`, "Cookie", "a=b; api_key="+mine, "Cookie", "api_key="+mine+"; c=d", "cookie", "api_key="+mine),
		"body key":   jsonPost(`{"api_key":"` + mine + `","b":2,"api_\u006bey":"` + mine + `"}`),
		"AuthFields": jsonPost(`{"auth":{"token":"` + mine + `","x":1},"b":2}`),
		"Basic":      authorization,
		"OAuth1":     authorization,
		"OAuth2":     authorization,
	}
	for _, s := range subjects(tokenEndpoint()) {
		build := requests[s.name]
		if build == nil {
			continue // Custom: its function decides
		}
		t.Run(s.name, func(t *testing.T) {
			base := &fakehttp.Base{}
			_, err := s.connector.Wrap(base).RoundTrip(build())
			require.NoError(t, err)
			out := base.Requests()[0]
			assert.True(t, s.carries(out.String()))
			switch s.name {
			case "query key":
				assert.Equal(t, "a=1&b=%zz;c&api_key="+url.QueryEscape(secretKey), out.URL.RawQuery)
			case "cookie key":
				assert.Equal(t, http.Header{"Content-Type": {"application/json"}, "Cookie": {"a=b; c=d; api_key=" + secretKey}}, out.Header)
			case "body key", "AuthFields":
				assert.NotContains(t, out.Body, mine)
				assert.Contains(t, out.Body, `"b":2`)
			default:
				assert.Len(t, out.Header, 2, "Content-Type and the credential: %v", out.Header)
				assert.NotContains(t, fmt.Sprint(out.Header), mine)
			}
		})
	}
}

func TestUserNameInTheURLDoesNotReplaceTheCredential(t *testing.T) {
	base := &fakehttp.Base{}
	basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "user", Password: password}))
	_, err := connectorauth.NewClient(basic, &http.Client{Transport: base}).Get("https://me:mine@api.example.test/")
	require.NoError(t, err)
	user, pass, _ := base.Requests()[0].BasicAuth()
	assert.Equal(t, []string{"user", password}, []string{user, pass})
}

func TestBaseIsNeverMutated(t *testing.T) {
	shared := &fakehttp.Base{}
	base := &http.Client{Transport: shared, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
	before, defaultBefore := *base, *http.DefaultClient
	for _, s := range append(subjects(tokenEndpoint()), subject{name: "None", connector: connectorauth.None{}}) {
		client := connectorauth.NewClient(s.connector, base)
		resp, err := client.Post(home, "application/json", strings.NewReader(`{}`))
		read(t, resp, err) // closing it ends the timeout's goroutine
		assert.NotSame(t, base, client)
		assert.Equal(t, base.Timeout, client.Timeout)
		assert.NotNil(t, client.CheckRedirect)
		assert.Equal(t, before.Transport, base.Transport)

		client = connectorauth.NewClient(s.connector, nil)
		assert.NotSame(t, http.DefaultClient, client)
		assert.Equal(t, defaultBefore, *http.DefaultClient)
	}
}

func TestCloseIdleConnectionsReachesTheBase(t *testing.T) {
	for _, s := range append(subjects(tokenEndpoint()), subject{name: "None", connector: connectorauth.None{}}) {
		base := &fakehttp.Base{}
		connectorauth.NewClient(s.connector, &http.Client{Transport: base}).CloseIdleConnections()
		assert.Equal(t, 1, base.Idle, s.name)
		// A base without the method is fine.
		connectorauth.NewClient(s.connector, &http.Client{Transport: fakehttp.RoundTripper(nil)}).CloseIdleConnections()
	}
}

func TestNilBaseIsTheDefaultTransport(t *testing.T) {
	p := authtest.NewProvider(t)
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(p.APIKey)}))
	status, _ := get(t, key, nil, p.KeyAuthorizationURL)
	assert.Equal(t, 200, status)
	status, _ = get(t, connectorauth.None{}, nil, p.OpenURL)
	assert.Equal(t, 200, status)
}

func TestResponseOfASloppyBaseIsMended(t *testing.T) {
	// Fakes in importers' tests often leave out what http.Transport sets, and
	// http.Client accepts that.
	for _, status := range []int{200, 401} {
		base := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: status}, nil })
		for _, s := range append(subjects(tokenEndpoint()), subject{name: "renewing", connector: renewing(t, nil)}) {
			resp, err := connectorauth.NewClient(s.connector, &http.Client{Transport: base}).Post(home, "application/json", strings.NewReader(`{}`))
			require.NoError(t, err, s.name)
			assert.Equal(t, status, resp.StatusCode)
			assert.Equal(t, home, resp.Request.URL.String())
		}
	}
	silent := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })
	for _, s := range withPairs(tokenEndpoint()) {
		_, err := connectorauth.NewClient(s.connector, &http.Client{Transport: silent}).Post(home, "application/json", strings.NewReader(`{}`))
		require.Error(t, err, s.name)
	}
}

func TestTimeoutAndCancellationAreRespected(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
					<-req.Context().Done()
					return nil, req.Context().Err()
				})
				client := connectorauth.NewClient(s.connector, &http.Client{Transport: base, Timeout: time.Second})
				began := time.Now()
				_, err := client.Post(home, "application/json", strings.NewReader(`{}`))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, time.Second, time.Since(began))

				client.Timeout = 0
				ctx, cancel := context.WithCancelCause(t.Context())
				cancel(errBroken)
				req := must(http.NewRequestWithContext(ctx, http.MethodPost, home, strings.NewReader(`{}`)))
				req.Header.Set("Content-Type", "application/json")
				_, err = client.Do(req)
				require.Error(t, err)
				assert.Error(t, req.Context().Err())
			})
		})
	}
}

func TestTenantsOverOneTransportAreKeptApart(t *testing.T) {
	const perTenant = 200
	// The server answers with whom it takes the caller for.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, _, _ := r.BasicAuth()
		cookie, _ := r.Cookie("key")
		fmt.Fprintln(w, user, r.Header.Get("X-Key"), r.URL.Query().Get("key"), cookie, string(body))
	}))
	defer server.Close()
	shared := &http.Transport{MaxIdleConnsPerHost: 8}
	defer shared.CloseIdleConnections()
	kinds := map[string]func(tenant string) connectorauth.Connector{
		"Basic": func(tenant string) connectorauth.Connector {
			return must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: tenant}))
		},
		"AuthFields": func(tenant string) connectorauth.Connector {
			return must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
				Fields: []connectorauth.AuthField{{Key: "tenant", Value: connectorauth.Secret(tenant)}},
			}))
		},
	}
	for name, in := range map[string]dialect.Location{
		"header": dialect.InHeader, "query": dialect.InQuery, "cookie": dialect.InCookie, "body": dialect.InBody,
	} {
		field := "key"
		if in == dialect.InHeader {
			field = "X-Key"
		}
		kinds[name] = func(tenant string) connectorauth.Connector {
			return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(tenant), In: in, Name: field}))
		}
	}
	for name, connect := range kinds {
		t.Run(name, func(t *testing.T) {
			tenants := []string{"alice", "bob"}
			clients := map[string]*http.Client{}
			for _, tenant := range tenants {
				clients[tenant] = connectorauth.NewClient(connect(tenant), &http.Client{Transport: shared})
			}
			gate := make(chan struct{}, 16)
			var running sync.WaitGroup
			for i := range perTenant * len(tenants) {
				me, other := tenants[i%2], tenants[(i+1)%2]
				gate <- struct{}{}
				running.Go(func() {
					defer func() { <-gate }()
					resp, err := clients[me].Post(server.URL, "application/json", strings.NewReader(`{"n":1}`))
					_, answer := read(t, resp, err)
					assert.Contains(t, answer, me)
					assert.NotContains(t, answer, other)
				})
			}
			running.Wait()
		})
	}
}

// A certificate that nobody trusts ends the connection before
// anything is sent.
func TestUntrustedCertificatesAreRefused(t *testing.T) {
	p := authtest.New(authtest.Config{TLS: true})
	t.Cleanup(p.Close)
	code := connect(t, p, func(c *connectorauth.OAuth2Config) { c.HTTPClient, c.Grant = nil, connectorauth.ClientCredentials{} })
	_, err := code.Token(t.Context())
	require.ErrorContains(t, err, "certificate")
	config := consenting(p)
	config.HTTPClient = nil
	_, _, err = must(connectorauth.NewOAuth1(config)).Begin(t.Context(), oauth1Callback)
	require.ErrorContains(t, err, "certificate")
	for _, s := range subjects(tokenEndpoint()) {
		_, err := connectorauth.NewClient(s.connector, nil).Post(p.OpenURL, "application/json", strings.NewReader("{}"))
		require.ErrorContains(t, err, "certificate", s.name)
	}
	assert.Empty(t, p.Requests(""))
}

// FuzzHeaderCredentials: whatever a key, its prefix, its header, a user name, a
// password or a token is, either a constructor refuses it or a server reads one
// header line with just that in it, and no line more.
func FuzzHeaderCredentials(f *testing.F) {
	f.Add("X-Api-Key", "", "k+1/2=&")
	f.Add("", "Bearer ", "eyJ.x-y_z~")
	f.Add("Authorization", "Token token=", `"quoted"`)
	f.Add("x-KEY", "a: b", "\u00fc\xff\t")
	f.Add("X", "", "a\r\nX-Injected: 1")
	f.Add("X-A\r\nB", "", "v")
	f.Add("Cookie", " ", "\x00\x7f")
	f.Fuzz(func(t *testing.T, name, prefix, value string) {
		key, keyErr := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Name: name, Prefix: prefix, Key: connectorauth.Secret(value)})
		basic, basicErr := connectorauth.NewBasic(connectorauth.BasicConfig{Username: prefix, Password: connectorauth.Secret(value)})
		bearer := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "c", ClientSecret: "s", TokenURL: "https://login.example.test/", Grant: connectorauth.ClientCredentials{},
		}))
		bearerErr := bearer.SetToken(t.Context(), &oauth2.Token{AccessToken: value})
		if name == "" {
			name = "Authorization"
		}
		for _, test := range []struct {
			c    connectorauth.Connector
			err  error
			name string
			want string
		}{
			{key, keyErr, name, prefix + value},
			{basic, basicErr, "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(prefix+":"+value))},
			{bearer, bearerErr, "Authorization", "Bearer " + value},
		} {
			if test.err != nil {
				continue
			}
			base := &fakehttp.Base{}
			_, err := test.c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			require.NoError(t, err)
			var wire bytes.Buffer
			require.NoError(t, base.Requests()[0].Write(&wire))
			arrived, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire.Bytes())))
			require.NoError(t, err, "%q", wire.String())
			require.Equal(t, []string{test.want}, arrived.Header.Values(test.name))
			arrived.Header.Del(test.name)
			arrived.Header.Del("User-Agent")
			arrived.Header.Del("Cache-Control") // ReadRequest makes it of Pragma
			require.Empty(t, arrived.Header, "%q", wire.String())
			require.EqualValues(t, 0, arrived.ContentLength)
		}
	})
}
