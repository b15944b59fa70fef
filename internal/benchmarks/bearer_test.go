package benchmarks

import (
	"context"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/httptransport"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	azruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
)

const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"

// bearer returns a connector with an OAuth2 token that lives.
func bearer(hosts ...string) (*connectorauth.OAuth2, error) {
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token",
		Grant: connectorauth.ClientCredentials{}, Hosts: hosts,
	})
	if err != nil {
		return nil, err
	}
	return c, c.SetToken(context.Background(), &oauth2.Token{AccessToken: token, Expiry: time.Now().Add(time.Hour)})
}

// A peer adds a bearer token to requests.
type peer struct {
	name string
	over func(base http.RoundTripper) http.RoundTripper
}

var peers = []peer{
	{"floor", func(base http.RoundTripper) http.RoundTripper { return floor{"Bearer " + token, base} }},
	{"ours", func(base http.RoundTripper) http.RoundTripper { return wrap[*connectorauth.OAuth2](base)(bearer()) }},
	{"x.oauth2", func(base http.RoundTripper) http.RoundTripper {
		source := oauth2.ReuseTokenSource(&oauth2.Token{AccessToken: token, Expiry: time.Now().Add(time.Hour)}, nil)
		return &oauth2.Transport{Source: source, Base: base}
	}},
	{"cloud.auth", func(base http.RoundTripper) http.RoundTripper {
		client := &http.Client{Transport: base}
		err := httptransport.AddAuthorizationMiddleware(client, auth.NewCredentials(&auth.CredentialsOptions{
			TokenProvider: auth.NewCachedTokenProvider(cloudToken{}, nil),
		}))
		if err != nil {
			panic(err)
		}
		return client.Transport
	}},
	{"azcore", func(base http.RoundTripper) http.RoundTripper {
		return azure{azruntime.NewPipeline("benchmark", "v1.0.0", azruntime.PipelineOptions{
			PerRetry: []policy.Policy{azruntime.NewBearerTokenPolicy(azureToken{}, []string{"scope"}, nil)},
		}, &policy.ClientOptions{
			Retry:     policy.RetryOptions{MaxRetries: -1},
			Telemetry: policy.TelemetryOptions{Disabled: true},
			Transport: azureBase{base},
		})}
	}},
}

// cloudToken is a token for cloud.google.com/go/auth.
type cloudToken struct{}

func (cloudToken) Token(context.Context) (*auth.Token, error) {
	return &auth.Token{Value: token, Type: "Bearer", Expiry: time.Now().Add(time.Hour)}, nil
}

// azureToken is a token for azcore.
type azureToken struct{}

func (azureToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// azureBase is a RoundTripper as azcore wants a transport.
type azureBase struct{ http.RoundTripper }

func (a azureBase) Do(req *http.Request) (*http.Response, error) { return a.RoundTrip(req) }

// azure is azcore's pipeline as a RoundTripper. A pipeline may change its request, so that
// each request is copied before.
type azure struct{ pipeline azruntime.Pipeline }

func (a azure) RoundTrip(req *http.Request) (*http.Response, error) {
	r, err := azruntime.NewRequestFromRequest(req.Clone(req.Context()))
	if err != nil {
		return nil, err
	}
	return a.pipeline.Do(r)
}

func TestPeersSendTheToken(t *testing.T) {
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			var base kept
			req := photos.request()
			resp, err := p.over(&base).RoundTrip(req)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, "Bearer "+token, base.header.Get("Authorization"))
			assert.Empty(t, req.Header.Get("Authorization"), "the caller's request has changed")
		})
	}
}

// BenchmarkBearer sends a request with a bearer token that lives.
func BenchmarkBearer(b *testing.B) {
	var all []contender
	for _, p := range peers {
		all = append(all, photos.by(p.name, p.over(wire{})))
	}
	turns(b, 200, all...)
}

// BenchmarkBearerParallel sends from 64 goroutines at a time. The times are those of 3,200
// requests.
func BenchmarkBearerParallel(b *testing.B) {
	const goroutines, requests = 64, 50
	var all []contender
	for _, p := range peers {
		rt := p.over(wire{})
		all = append(all, contender{p.name, func() error {
			return together(goroutines, func() error {
				send := photos.by(p.name, rt).do
				for range requests {
					if err := send(); err != nil {
						return err
					}
				}
				return nil
			})
		}})
	}
	turns(b, 1, all...)
}
