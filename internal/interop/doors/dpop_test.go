package doors_test

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/doors"
	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestDPoPKeyStaysWithTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := oauthInMemory(t, "DPoP with consent")
		store := new(tokenstore.Memory)
		c := s.open(t, store).(*connectorauth.OAuth2)
		authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		u, err := url.Parse(authURL)
		require.NoError(t, err)
		s.challenge = u.Query().Get("code_challenge")
		s.nonces["/obtain"] = rand.Text() // the code is sent twice, because the response proves that nobody looked at it
		require.NoError(t, c.Finish(t.Context(), pending, url.Values{"state": {u.Query().Get("state")}, "code": {"the code"}}))
		for range 3 { // each with a refresh token that is bound to the key
			client := connectorauth.NewClient(s.open(t, store), &http.Client{Transport: s.transport})
			assert.Equal(t, 200, post(t, client, s.API, ""))
			time.Sleep(2 * time.Hour)
		}
		assert.Equal(t, 3, s.obtained(), "the code and two refresh tokens")
		assert.Empty(t, s.broken())
	})
}

func TestNoncesAreKeptPerOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := oauthInMemory(t, "DPoP")
		requests := func() int {
			before := s.arrived()
			require.Equal(t, 200, post(t, client, s.API, ""))
			return s.arrived() - before
		}
		assert.Equal(t, 4, requests(), "each origin asks for its nonce once")
		assert.Equal(t, 1, requests())
		s.nonces["/api"] = rand.Text()
		assert.Equal(t, 2, requests())
		time.Sleep(2 * time.Hour)
		assert.Equal(t, 2, requests(), "a token, and the API")
		s.nonces["/obtain"] = rand.Text()
		time.Sleep(2 * time.Hour)
		assert.Equal(t, 3, requests())
		assert.Equal(t, 3, s.obtained())
		assert.Empty(t, s.broken())
	})
}

func TestServerThatAlwaysWantsAnotherNonceGetsTwoRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := oauthInMemory(t, "DPoP")
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("DPoP-Nonce", rand.Text())
			s.refuse(w, r, "use_dpop_nonce")
			return true
		}
		_, err := client.Get(s.API)
		require.ErrorContains(t, err, "use_dpop_nonce")
		assert.Equal(t, 2, s.arrived())
	})
}

func TestBodyOfTheAPIIsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := oauthInMemory(t, "DPoP")
		require.Equal(t, 200, post(t, client, s.API, ""))
		const body = `{"error":"use_dpop_nonce"}` // which means something only at the token endpoint
		s.answer = func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, body)
			return true
		}
		before := s.arrived()
		resp, err := client.Get(s.API)
		require.NoError(t, err)
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, body, string(got))
		assert.Equal(t, before+1, s.arrived())
	})
}

func TestProofThatNetHTTPRepeatsIsMadeAnew(t *testing.T) {
	w := door{"DPoP", newOAuth}.open(t)
	client := newClient(w.open(t, nil))
	require.Equal(t, 1, accepted(client, w.API, 1)) // now there is a connection to use again
	w.loseAt("/api")
	assert.Equal(t, 1, accepted(client, w.API, 1))
	assert.Equal(t, []string{"a repeated jti of a proof"}, w.broken(), "net/http sends a GET again by itself")
	assert.Equal(t, 1, w.obtained(), "the token is not to blame")
}

func TestTokenWithoutKeyIsAnError(t *testing.T) {
	s, _ := oauthInMemory(t, "DPoP")
	c := s.open(t, nil).(*connectorauth.OAuth2)
	err := c.SetToken(t.Context(), &oauth2.Token{AccessToken: "elsewhere", TokenType: "DPoP"})
	require.ErrorContains(t, err, "bound to a key that the account does not have")
	assert.Zero(t, s.arrived())
}

// watchedProof notes the URLs that it proves.
type watchedProof struct {
	*doors.DPoP
	mu   sync.Mutex
	seen []string
}

func (p *watchedProof) Prove(req *http.Request, key, token connectorauth.Secret) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, req.URL.String())
	return p.DPoP.Prove(req, key, token)
}

func TestProofCoversWhatAJoinAdds(t *testing.T) {
	s, _ := oauthInMemory(t, "private_key_jwt")
	p := &watchedProof{DPoP: doors.NewDPoP()}
	s.Door = "DPoP"
	proven, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: s.Obtain, Grant: connectorauth.ClientCredentials{}, Proof: p,
		HTTPClient: &http.Client{Transport: s.transport},
	})
	require.NoError(t, err)
	s.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"access_token":"a","token_type":"DPoP","expires_in":3600}`)
		return true
	}
	key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", In: dialect.InQuery, Name: "api_key"})
	require.NoError(t, err)
	c, err := connectorauth.Join(proven, key)
	require.NoError(t, err)
	resp, err := connectorauth.NewClient(c, &http.Client{Transport: s.transport}).Get(s.API)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, []string{s.Obtain, s.API + "?api_key=k"}, p.seen, "signatures come last")
}
