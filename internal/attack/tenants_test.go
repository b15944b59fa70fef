package attack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// requestsPerTenant is how many each of the two makes with each kind of connector.
func requestsPerTenant() int {
	if testing.Short() {
		return 200
	}
	return 1000
}

// tenantNames are those whose credentials are told apart: each has its name in it.
var tenantNames = []string{"alice", "bob"}

// office is an API that answers with the name of the tenant whose credential it
// finds, and with the caller's own text. Every hundredth request is refused.
func newOffice(t *testing.T, http2 bool) *httptest.Server {
	t.Helper()
	var mu sync.Mutex
	asked := map[string]int{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			r.ParseForm()
			name, _, _ := strings.Cut(r.PostForm.Get("refresh_token"), "-")
			json.NewEncoder(w).Encode(map[string]any{"access_token": "secret-of-" + name, "token_type": "Bearer", "expires_in": 3600})
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, password, _ := r.BasicAuth()
		everything := strings.Join([]string{r.RequestURI, fmt.Sprint(r.Header), password, string(body)}, "\n")
		var found []string
		for _, name := range tenantNames {
			if strings.Contains(everything, "secret-of-"+name) {
				found = append(found, name)
			}
		}
		mu.Lock()
		asked[strings.Join(found, "+")]++
		refuse := asked[strings.Join(found, "+")]%100 == 0
		mu.Unlock()
		if refuse {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, "%s %s", strings.Join(found, "+"), r.Header.Get("X-Own"))
	}))
	server.EnableHTTP2 = http2
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// tenantKinds make a tenant's connector of each kind.
var tenantKinds = []struct {
	name string
	make func(name, url string, shared *http.Client, store connectorauth.TokenStore) connectorauth.Connector
}{
	{"header key", tenantKey(dialect.InHeader)},
	{"query key", tenantKey(dialect.InQuery)},
	{"cookie key", tenantKey(dialect.InCookie)},
	{"body key", tenantKey(dialect.InBody)},
	{"Basic", func(name, _ string, _ *http.Client, _ connectorauth.TokenStore) connectorauth.Connector {
		return must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "same", Password: connectorauth.Secret("secret-of-" + name)}))
	}},
	{"OAuth1", func(name, _ string, _ *http.Client, _ connectorauth.TokenStore) connectorauth.Connector {
		return must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "same", ClientSecret: "same", Token: "secret-of-" + name, TokenSecret: "same",
		}))
	}},
	{"OAuth2", func(name, url string, shared *http.Client, store connectorauth.TokenStore) connectorauth.Connector {
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "same", ClientSecret: "same", TokenURL: url + "/token", Store: store, Account: name, HTTPClient: shared,
			Grant: connectorauth.AuthorizationCode{AuthURL: url + "/authorize"},
		}))
		if err := c.SetToken(context.Background(), &oauth2.Token{RefreshToken: name + "-refresh"}); err != nil {
			panic(err)
		}
		return c
	}},
}

func tenantKey(in dialect.Location) func(string, string, *http.Client, connectorauth.TokenStore) connectorauth.Connector {
	return func(name, _ string, _ *http.Client, _ connectorauth.TokenStore) connectorauth.Connector {
		return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret("secret-of-" + name), In: in, Name: "X-Key"}))
	}
}

// Two tenants share connections, a token store and a token endpoint, as they do
// on a platform; each answer must be for who asked.
func TestTenantsOnSharedConnectionsNeverGetEachOthersResponses(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		server := newOffice(t, proto == "HTTP/2.0")
		transport := server.Client().Transport.(*http.Transport)
		transport.MaxIdleConnsPerHost = 8 // one for each goroutine, to be passed around among both tenants
		shared := &http.Client{Transport: transport, Timeout: time.Minute}
		for _, kind := range tenantKinds {
			t.Run(proto+"/"+kind.name, func(t *testing.T) {
				store := new(tokenstore.Memory)
				var all sync.WaitGroup
				for _, name := range tenantNames {
					client := connectorauth.NewClient(kind.make(name, server.URL, shared, store), shared)
					numbers := make(chan int)
					all.Go(func() {
						defer close(numbers)
						for i := range requestsPerTenant() {
							numbers <- i
						}
					})
					for range 4 { // goroutines of each tenant
						all.Go(func() {
							for i := range numbers {
								askAs(t, client, name, server.URL, i, proto)
							}
						})
					}
				}
				all.Wait()
			})
		}
	}
}

// askAs makes a tenant's i-th request and checks whom the answer is for.
func askAs(t *testing.T, client *http.Client, name, url string, i int, proto string) {
	own := fmt.Sprintf("%s's request %d", name, i)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api", strings.NewReader("n="+fmt.Sprint(i)))
	if !assert.NoError(t, err) {
		return
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Own", own)
	resp, err := client.Do(req)
	if !assert.NoError(t, err) {
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.Equal(t, proto, resp.Proto)
	if resp.StatusCode == http.StatusUnauthorized { // those who cannot renew see the refusal
		return
	}
	assert.Equal(t, name+" "+own, string(text))
}

func TestTenantsWithEqualCredentialsShareNothingButTheValue(t *testing.T) {
	server := newOffice(t, false)
	shared := server.Client()
	store := new(tokenstore.Memory)
	var clients []*http.Client
	for _, name := range tenantNames { // two accounts, set to the very same token
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "same", ClientSecret: "same", TokenURL: server.URL + "/token", Store: store, Account: name, HTTPClient: shared,
			Grant: connectorauth.AuthorizationCode{AuthURL: server.URL + "/authorize"},
		}))
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "expired", RefreshToken: name + "-refresh", Expiry: time.Now().Add(-time.Hour)}))
		clients = append(clients, connectorauth.NewClient(c, shared))
	}
	var all sync.WaitGroup
	for i, client := range clients {
		for n := range 20 {
			all.Go(func() { askAs(t, client, tenantNames[i], server.URL, n, "HTTP/1.1") })
		}
	}
	all.Wait()
}
