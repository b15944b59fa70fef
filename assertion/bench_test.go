package assertion_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"golang.org/x/oauth2"
)

// counting is a signer that counts.
type counting struct {
	crypto.Signer
	signatures atomic.Int64
}

func (c *counting) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	c.signatures.Add(1)
	return c.Signer.Sign(random, digest, opts)
}

// network costs one response: a token at the token URL, else nothing.
type network struct{}

func (network) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}
	if req.URL.Host == "provider.example" {
		resp.Header = http.Header{"Content-Type": {"application/json"}}
		resp.Body = io.NopCloser(strings.NewReader(`{"access_token":"eyJhbGciOiJFUzI1NiJ9","token_type":"Bearer","expires_in":3600}`))
	}
	return resp, nil
}

// BenchmarkAssertion measures a request with a live token that a signature has obtained,
// or that is the signature, in turn with a request with a plain OAuth2 token. The
// benchmark fails if a signature is on the path of a request. The ratio compares the best
// of many rounds, as in BenchmarkRatio of the root package.
func BenchmarkAssertion(b *testing.B) {
	shared := new(connectorauth.Shared)
	oauth2Config := func(grant connectorauth.Grant) connectorauth.OAuth2Config {
		return connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Grant: grant,
			Shared: shared, HTTPClient: &http.Client{Transport: network{}},
		}
	}
	plain := must(connectorauth.NewOAuth2(oauth2Config(connectorauth.ClientCredentials{})))
	if err := plain.SetToken(context.Background(), &oauth2.Token{AccessToken: "eyJhbGciOiJFUzI1NiJ9", Expiry: time.Now().Add(time.Hour)}); err != nil {
		b.Fatal(err)
	}
	for _, test := range []struct {
		name string
		make func(*assertion.Key) (connectorauth.Connector, error)
	}{
		{"JWTBearer", func(key *assertion.Key) (connectorauth.Connector, error) {
			grant := must(assertion.NewJWTBearer(assertion.JWTBearerConfig{Key: key, Claims: assertion.Claims{Issuer: "i", Audience: "a"}}))
			return connectorauth.NewOAuth2(oauth2Config(grant))
		}},
		{"ClientAuth", func(key *assertion.Key) (connectorauth.Connector, error) {
			config := oauth2Config(connectorauth.ClientCredentials{})
			config.ClientSecret = ""
			config.ClientAuth = must(assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: "a"}}))
			return connectorauth.NewOAuth2(config)
		}},
		{"JWT", func(key *assertion.Key) (connectorauth.Connector, error) {
			return assertion.NewJWT(assertion.JWTConfig{Key: key, Claims: assertion.Claims{Issuer: "i"}})
		}},
	} {
		b.Run(test.name, func(b *testing.B) {
			signer := &counting{Signer: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
			signing := must(test.make(must(assertion.NewKey(assertion.KeyConfig{Signer: signer})))).Wrap(network{})
			other := plain.Wrap(network{})
			req := must(http.NewRequest("GET", "https://api.example.com/v1/photos?page=2", nil))
			round := func(rt http.RoundTripper, best *time.Duration) {
				start := time.Now()
				for range 200 {
					if resp, err := rt.RoundTrip(req); err != nil || resp.StatusCode != http.StatusOK {
						b.Fatal(err)
					}
				}
				*best = min(*best, time.Since(start))
			}
			first, second := time.Hour, time.Hour
			round(signing, &first)
			if n := signer.signatures.Load(); n != 1 {
				b.Fatalf("%d signatures for the first token, want 1", n)
			}
			for b.Loop() {
				round(signing, &first)
				round(other, &second)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(first)/float64(second), "ratio")
			signatures := signer.signatures.Load() - 1
			b.ReportMetric(float64(signatures)/float64(200*b.N), "signatures/op")
			if signatures != 0 {
				b.Fatalf("%d signatures in %d requests with a live token", signatures, 200*b.N)
			}
		})
	}
}

// BenchmarkDPoP measures a request to the API with a proof, in turn with a bare signature
// of the same key. The ratio compares the best of many rounds, as in BenchmarkAssertion.
func BenchmarkDPoP(b *testing.B) {
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	digest := make([]byte, 32)
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Grant: connectorauth.ClientCredentials{},
		Proof: must(assertion.NewDPoP(assertion.DPoPConfig{})), Shared: new(connectorauth.Shared),
		HTTPClient: &http.Client{Transport: dpopNetwork{}},
	}))
	proven := c.Wrap(network{})
	req := must(http.NewRequest("GET", "https://api.example.com/v1/photos?page=2", nil))
	best := func(fastest *time.Duration, f func()) {
		start := time.Now()
		for range 20 {
			f()
		}
		*fastest = min(*fastest, time.Since(start))
	}
	request := func() {
		if resp, err := proven.RoundTrip(req); err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(err)
		}
	}
	bare := func() {
		if _, err := ecdsa.SignASN1(rand.Reader, private, digest); err != nil {
			b.Fatal(err)
		}
	}
	request()
	first, second := time.Hour, time.Hour
	for b.Loop() {
		best(&first, request)
		best(&second, bare)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(first)/float64(second), "ratio")
	b.ReportMetric(float64(first.Nanoseconds())/20, "ns/request")
	b.ReportMetric(float64(second.Nanoseconds())/20, "ns/signature")
}

// dpopNetwork answers with a token that is bound to a key.
type dpopNetwork struct{}

func (dpopNetwork) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := network{}.RoundTrip(req)
	resp.Body = io.NopCloser(strings.NewReader(`{"access_token":"eyJhbGciOiJFUzI1NiJ9","token_type":"DPoP","expires_in":3600}`))
	return resp, err
}
