package definition_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/session"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// ratio runs two functions in turn, and prints how the time of the first compares with
// that of the second, by the best of many rounds: on a busy machine nothing else means
// much. The first's best time is the result.
func ratio(b *testing.B, times int, first, second func() error) (best time.Duration) {
	round := func(f func() error, best *time.Duration) {
		start := time.Now()
		for range times {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
		*best = min(*best, time.Since(start))
	}
	one, other := time.Hour, time.Hour
	for b.Loop() {
		round(first, &one)
		round(second, &other)
	}
	b.ReportMetric(float64(one)/float64(other), "ratio")
	b.ReportMetric(0, "ns/op")
	return one
}

// BenchmarkLoad reads 1,000 definitions of services. The ratio is that to json.Unmarshal
// of the same documents into an any, ms is what Load takes.
func BenchmarkLoad(b *testing.B) {
	files, err := filepath.Glob("testdata/services/*.json")
	require.NoError(b, err)
	folder := fstest.MapFS{}
	for i := range 1000 {
		text, err := os.ReadFile(files[i%len(files)])
		require.NoError(b, err)
		name := strings.TrimSuffix(filepath.Base(files[i%len(files)]), ".json")
		other := fmt.Sprintf("%s-%d", name, i)
		folder[other+".json"] = &fstest.MapFile{Data: bytes.Replace(text, []byte(`"name": "`+name+`"`), []byte(`"name": "`+other+`"`), 1)}
	}
	best := ratio(b, 1, func() error {
		_, err := definition.Load(folder, definition.Options{}, "*.json")
		return err
	}, func() error {
		for _, file := range folder {
			var v any
			if err := json.Unmarshal(file.Data, &v); err != nil {
				return err
			}
		}
		return nil
	})
	b.ReportMetric(1000*best.Seconds(), "ms")
}

// BenchmarkConnect makes connectors of definitions. The ratio is that to the constructor
// with the same config.
func BenchmarkConnect(b *testing.B) {
	pipedrive, zendesk, twilio, tableau := service(b, "pipedrive"), service(b, "zendesk"), service(b, "twilio"), service(b, "tableau")
	for name, pair := range map[string][2]func() error{
		"APIKey": {func() error {
			_, err := pipedrive.Connect(definition.Connection{Method: "key", Values: values{"token": "t"}})
			return err
		}, func() error {
			_, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "t", In: "query", Name: "api_token", Hosts: []string{"https://api.pipedrive.com"}})
			return err
		}},
		"Basic": {func() error {
			_, err := twilio.Connect(definition.Connection{Values: values{"account": "AC00000000000000000000000000000000", "token": "t"}})
			return err
		}, func() error {
			_, err := connectorauth.NewBasic(connectorauth.BasicConfig{
				Username: "AC00000000000000000000000000000000", Password: "t", Hosts: []string{"https://api.twilio.com", "https://taskrouter.twilio.com"},
			})
			return err
		}},
		"OAuth2": {func() error {
			_, err := zendesk.Connect(definition.Connection{Values: values{"subdomain": "a"}, Client: definition.Client{ID: "id", Secret: "secret"}})
			return err
		}, func() error {
			config := connectorauth.OAuth2Config{
				ClientID: "id", ClientSecret: "secret", ClientAuth: connectorauth.ClientSecretPost, TokenURL: "https://a.zendesk.com/oauth/tokens", Scopes: []string{"read"},
				Grant: connectorauth.AuthorizationCode{AuthURL: "https://a.zendesk.com/oauth/authorizations/new"}, Hosts: []string{"https://a.zendesk.com"},
			}
			config.Dialect.TokenEncoding, config.Dialect.TokenParams = "json", map[string][]string{"scope": {"read"}}
			_, err := connectorauth.NewOAuth2(config)
			return err
		}},
		"Session": {func() error {
			_, err := tableau.Connect(definition.Connection{Values: values{"server": "10ax.online.tableau.com", "name": "n", "secret": "s"}})
			return err
		}, func() error {
			_, err := session.New(session.Config{
				Login: []session.Request{{
					URL:     "https://10ax.online.tableau.com/api/{version}/auth/signin",
					XML:     `<tsRequest><credentials personalAccessTokenName="{name}" personalAccessTokenSecret="{secret}"><site contentUrl="{site}"/></credentials></tsRequest>`,
					Capture: map[string]string{"token": "credentials.@token"},
				}},
				Values:   values{"server": "10ax.online.tableau.com", "version": "3.26", "site": "", "name": "n", "secret": "s"},
				Places:   []session.Place{{Placement: dialect.Placement{Name: "X-Tableau-Auth"}}},
				Lifetime: session.Lifetime{Fixed: 2 * time.Hour}, Hosts: []string{"https://10ax.online.tableau.com"},
			})
			return err
		}},
	} {
		b.Run(name, func(b *testing.B) { ratio(b, 50, pair[0], pair[1]) })
	}
}

// BenchmarkMemory holds 20,000 live accounts of one definition, each with a token, and
// prints the heap of one: by the constructor with the same config, and by the definition.
func BenchmarkMemory(b *testing.B) {
	const count = 20_000
	client := definition.Client{ID: "client", Secret: "secret"}
	held := make([]any, count)
	measure := func(b *testing.B, open func(i int) (any, *connectorauth.OAuth2, error)) {
		var before, after runtime.MemStats
		for b.Loop() {
			clear(held)
			runtime.GC()
			runtime.ReadMemStats(&before)
			for i := range held {
				account, c, err := open(i)
				require.NoError(b, err)
				require.NoError(b, c.SetToken(context.Background(), &oauth2.Token{
					AccessToken: fmt.Sprintf("access-token-of-40-characters-%010d", i), RefreshToken: fmt.Sprintf("refresh-token-of-40-characters-%09d", i), Expiry: time.Now().Add(time.Hour),
				}))
				held[i] = account
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/count, "heap-B/account")
		runtime.KeepAlive(held)
	}
	b.Run("constructor", func(b *testing.B) {
		measure(b, func(i int) (any, *connectorauth.OAuth2, error) {
			c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "client", ClientSecret: "secret", TokenURL: "https://api.notion.com/v1/oauth/token", Account: fmt.Sprint("account-", i),
				Grant: connectorauth.AuthorizationCode{AuthURL: "https://api.notion.com/v1/oauth/authorize"}, Hosts: []string{"https://api.notion.com"},
			})
			return c, c, err
		})
	})
	for _, name := range []string{"notion", "salesforce", "quickbooks", "shopify"} { // dialect and header; captured; captured; input
		d := service(b, name)
		given := values{}
		for _, i := range d.Inputs {
			given[i.Name] = connectorauth.Secret(i.Example)
		}
		b.Run(name, func(b *testing.B) {
			measure(b, func(i int) (any, *connectorauth.OAuth2, error) {
				c, err := d.Connect(definition.Connection{Method: "oauth", Values: given, Client: client, Account: fmt.Sprint("account-", i)})
				if err != nil {
					return nil, nil, err
				}
				return c, c.Credential().(*connectorauth.OAuth2), nil
			})
		})
	}
}
