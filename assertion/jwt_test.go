package assertion_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJWTIsSignedOncePerLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &fakehttp.Base{}
		jwt, err := assertion.NewJWT(assertion.JWTConfig{
			Key: keyFor(t, assertion.ES256), Claims: assertion.Claims{Issuer: "i", Audience: "a"},
			Further: http.Header{"x-token-type": {"KEYPAIR_JWT"}}, Hosts: []string{"api.example.test"},
		})
		require.NoError(t, err)
		client := connectorauth.NewClient(jwt, &http.Client{Transport: base})
		sent := map[string]int{}
		call := func() {
			resp, err := client.Get("https://api.example.test/")
			require.NoError(t, err)
			resp.Body.Close()
			h := last(base).Header
			sent[h.Get("Authorization")]++
			assert.Equal(t, "KEYPAIR_JWT", h.Get("X-Token-Type"))
		}
		for range 100 {
			call()
		}
		assert.Len(t, sent, 1)
		for signed := range sent {
			_, claims := decoded(t, signed[len("Bearer "):])
			assert.NotContains(t, claims, "jti", "the assertion is sent many times")
			assert.InDelta(t, 600, claims["exp"].(float64)-claims["iat"].(float64), 0)
		}
		time.Sleep(10 * time.Minute)
		call()
		assert.Len(t, sent, 2)
	})
}

func TestManyRequestsShareOneJWT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signer := &counting{Signer: privates["P-256"]}
		var rejected atomic.Value
		rejected.Store("")
		jwt := must(assertion.NewJWT(assertion.JWTConfig{
			Key: must(assertion.NewKey(assertion.KeyConfig{Signer: signer})), Claims: assertion.Claims{Issuer: "i", Lifetime: 20 * time.Second},
			Hosts: []string{"api.example.test"}, Shared: new(connectorauth.Shared),
		}))
		client := connectorauth.NewClient(jwt, &http.Client{Transport: fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
			_, claims := decoded(t, r.Header.Get("Authorization")[len("Bearer "):])
			assert.Less(t, float64(time.Now().Unix()), claims["exp"].(float64), "no assertion is sent after its end")
			if r.Header.Get("Authorization") == rejected.Load() {
				return fakehttp.Respond(401, ""), nil
			}
			time.Sleep(time.Millisecond)
			resp := fakehttp.Respond(200, "")
			resp.Header.Set("X-Sent", r.Header.Get("Authorization"))
			return resp, nil
		})})
		sent := ""
		all := func() {
			var wait sync.WaitGroup
			var mu sync.Mutex
			for range 1000 {
				wait.Go(func() {
					resp, err := client.Get("https://api.example.test/")
					if assert.NoError(t, err) {
						resp.Body.Close()
						assert.Equal(t, 200, resp.StatusCode)
						mu.Lock()
						defer mu.Unlock()
						sent = resp.Header.Get("X-Sent")
					}
				})
			}
			wait.Wait()
		}
		all()
		assert.EqualValues(t, 1, signer.signatures.Load())
		rejected.Store(sent)
		all()
		assert.EqualValues(t, 2, signer.signatures.Load(), "one for a rejection by 1,000 requests")
		time.Sleep(11 * time.Second)
		all()
		assert.EqualValues(t, 3, signer.signatures.Load())
	})
}

func TestJWTGoesWhereTheServiceWants(t *testing.T) {
	for _, test := range []struct {
		placement    dialect.Placement
		header, want string
	}{
		{dialect.Placement{}, "Authorization", "Bearer "},
		{dialect.Placement{Prefix: "Ghost "}, "Authorization", "Ghost "},
		{dialect.Placement{Name: "X-Jwt"}, "X-Jwt", ""},
	} {
		base := &fakehttp.Base{}
		jwt, err := assertion.NewJWT(assertion.JWTConfig{Key: keyFor(t, assertion.EdDSA), Claims: assertion.Claims{Issuer: "i"}, Placement: test.placement})
		require.NoError(t, err)
		resp, err := connectorauth.NewClient(jwt, &http.Client{Transport: base}).Get("https://api.example.test/")
		require.NoError(t, err)
		resp.Body.Close()
		assert.Contains(t, last(base).Header.Get(test.header), test.want+"eyJ")
	}
}

func TestJWTWithEachAlgorithm(t *testing.T) {
	for _, a := range algorithms {
		p := provider(t, authtest.Config{}, a)
		jwt, err := assertion.NewJWT(assertion.JWTConfig{Key: keyFor(t, a), Claims: assertion.Claims{Issuer: "app", Subject: "s", Audience: p.URL}})
		require.NoError(t, err)
		assert.JSONEq(t, `{"auth_type":"Assertion","client":"app","user":"s"}`, get(t, connectorauth.NewClient(jwt, p.Client()), p.AssertionURL), a)
	}
}

func TestJWTConfigIsChecked(t *testing.T) {
	_, err := assertion.NewJWT(assertion.JWTConfig{
		Claims:    assertion.Claims{Lifetime: -1},
		Placement: dialect.Placement{In: dialect.InBody},
		Further:   http.Header{"a b": {"x"}, "Content-Length": {"1"}, "X-Ok": {"line\nbreak"}},
		Hosts:     []string{"*"},
	})
	for _, want := range []string{"Key: is nil", "Claims.Lifetime: is", "Placement: In:", `"a b"`, "Content-Length", `Further: the value of "X-Ok"`} {
		assert.ErrorContains(t, err, want)
	}
	_, err = assertion.NewJWT(assertion.JWTConfig{Key: keyFor(t, assertion.ES256), Hosts: []string{"*"}})
	assert.ErrorContains(t, err, "Hosts")
}

func last(base *fakehttp.Base) fakehttp.Request {
	all := base.Requests()
	return all[len(all)-1]
}

func TestJWTDeclaresItsPlace(t *testing.T) {
	base := &fakehttp.Base{}
	jwt, err := assertion.NewJWT(assertion.JWTConfig{
		Key: keyFor(t, assertion.ES256), Claims: assertion.Claims{Issuer: "i"}, Placement: dialect.Placement{Name: "x-JWT", Exact: true},
	})
	require.NoError(t, err)
	resp, err := connectorauth.NewClient(jwt, &http.Client{Transport: base}).Get("https://api.example.test/")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Contains(t, last(base).Header, "x-JWT")
	key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Name: "X-Jwt"})
	require.NoError(t, err)
	_, err = connectorauth.Join(key, jwt)
	assert.ErrorContains(t, err, "two credentials for the header X-Jwt")
}
