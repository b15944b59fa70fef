package digestauth_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/digestauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func allowMD5(c *digestauth.Config) { c.AllowMD5 = true }

func TestEveryKindOfChallenge(t *testing.T) {
	for _, algorithm := range []string{"SHA-256", "SHA-512-256", "MD5", "SHA-256-sess", "SHA-512-256-sess", "MD5-sess", ""} {
		for _, qop := range []string{"auth", "auth-int", ""} {
			if qop == "" && strings.HasSuffix(algorithm, "-sess") {
				continue
			}
			for _, userhash := range []bool{false, true} {
				for _, charset := range []string{"", "UTF-8"} {
					t.Run(fmt.Sprint(algorithm, " ", qop, " ", userhash, charset), func(t *testing.T) {
						s := &service{algorithms: []string{algorithm}, qop: qop, userhash: userhash, charset: charset}
						url := s.start(t)
						client, _ := open(t, allowMD5)
						assert.Equal(t, 200, status(t, client, url+"/a%2Fb?x=y%20z", "hello"))
						assert.Equal(t, 200, status(t, client, url, ""))
						assert.Equal(t, []string{"hello", ""}, s.bodies)
						assert.Equal(t, 3, s.requests, "one challenge serves both")
						assert.EqualValues(t, 5, s.read, "the body is sent once")
					})
				}
			}
		}
	}
}

func TestStrongestChallengeIsAnswered(t *testing.T) {
	s := &service{algorithms: []string{"MD5", "SHA-256", "X-NEW", "SHA-512-256", "MD5-sess"}, qop: "auth"}
	url := s.start(t)
	client, _ := open(t, allowMD5)
	require.Equal(t, 200, status(t, client, url, ""))
	assert.Contains(t, s.headers[0], "algorithm=SHA-512-256,")
}

func TestChallengesThatCannotBeAnsweredLeaveTheResponse(t *testing.T) {
	for want, s := range map[string]*service{
		"MD5, and Config.AllowMD5 is false":       {algorithms: []string{"MD5"}, qop: "auth"},
		"an algorithm that this package does not": {algorithms: []string{"SHA-3"}, qop: "auth"},
		"neither auth nor auth-int":               {qop: "auth-new"},
		"no quality of protection":                {},
		"has no Digest challenge":                 {respond: func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(401); return true }},
		"is too long":                             {respond: challenges(`Digest qop=auth, algorithm=SHA-256, nonce="` + strings.Repeat("n", 5000) + `"`)},
		"the Digest challenge has no nonce":       {respond: challenges(`Basic realm="x", Digest qop=auth, algorithm=SHA-256, realm="x"`)},
	} {
		url := s.start(t)
		client, _ := open(t, nil)
		resp, err := client.Get(url)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 401, resp.StatusCode)
		assert.ErrorContains(t, connectorauth.RenewalError(resp), want)
		assert.Equal(t, 1, s.requests)
	}
}

// challenges responds with a challenge, whatever the request.
func challenges(text string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", text)
		w.WriteHeader(401)
		return true
	}
}

func TestConcurrentRequestsCountEachNonceWithoutGaps(t *testing.T) {
	s := &service{qop: "auth"}
	url := s.start(t)
	client, _ := open(t, nil)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { assert.Equal(t, 200, status(t, client, url, "")) })
	}
	all.Wait()
	used := 0
	for _, n := range s.nonces {
		if len(n.counts) > 0 {
			used++
			assert.Len(t, n.counts, 100)
			for i := range 100 {
				assert.True(t, n.counts[i+1], i)
			}
		}
	}
	assert.Equal(t, 1, used, "one challenge is answered")
}

func TestStaleNonceIsReplacedWithoutDoubt(t *testing.T) {
	for _, silent := range []bool{false, true} {
		s := &service{qop: "auth", uses: 3, silent: silent}
		url := s.start(t)
		client, _ := open(t, nil)
		for i := range 10 {
			require.Equal(t, 200, status(t, client, url, fmt.Sprint("body ", i)), "silent: %v", silent)
		}
		assert.Equal(t, 3, s.stale)
		assert.Equal(t, 1+10+3, s.requests)
		assert.Len(t, s.bodies, 10)
	}
}

func TestNextNonceSavesTheChallenge(t *testing.T) {
	for _, algorithm := range []string{"SHA-256", "SHA-256-sess"} {
		s := &service{algorithms: []string{algorithm}, qop: "auth", uses: 3, next: true}
		url := s.start(t)
		client, _ := open(t, nil)
		for range 10 {
			require.Equal(t, 200, status(t, client, url, ""))
		}
		assert.Zero(t, s.stale)
		assert.Equal(t, 11, s.requests)
		assert.Len(t, s.nonces, 4, "the challenge and three followers")
	}
}

func TestBodyThatCannotBeSentAgain(t *testing.T) {
	s := &service{qop: "auth"}
	url := s.start(t)
	client, _ := open(t, nil)
	send := func() (resp *http.Response, left int) {
		body := strings.NewReader("a stream")
		resp, err := client.Post(url, "text/plain", io.MultiReader(body))
		require.NoError(t, err)
		resp.Body.Close()
		return resp, body.Len()
	}
	resp, left := send()
	assert.Equal(t, 401, resp.StatusCode)
	assert.ErrorContains(t, connectorauth.RenewalError(resp), "the body of the request cannot be sent again")
	assert.Equal(t, len("a stream"), left, "the body is not sent without a challenge")
	require.Eventually(t, func() bool { resp, _ := send(); return resp.StatusCode == 200 }, time.Minute, 10*time.Millisecond)
	assert.Equal(t, "a stream", s.bodies[0])
}

func TestAuthIntHoldsAStreamInMemoryUpToALimit(t *testing.T) {
	s := &service{qop: "auth-int"}
	url := s.start(t)
	client, _ := open(t, nil)
	require.Equal(t, 200, status(t, client, url, ""))
	resp, err := client.Post(url, "text/plain", io.MultiReader(strings.NewReader("a stream")))
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 200, resp.StatusCode)
	_, err = client.Post(url, "text/plain", io.MultiReader(bytes.NewReader(make([]byte, 2<<20))))
	require.ErrorIs(t, err, connectorauth.ErrBodyNotInjectable)
	require.ErrorContains(t, err, "auth-int covers the body")
}

func TestChallengesOfOtherOriginsAreNotAnswered(t *testing.T) {
	n := fakehttp.NewInternet(t)
	c, err := digestauth.New(digestauth.Config{Username: user, Password: password, Shared: new(connectorauth.Shared)})
	require.NoError(t, err)
	client := connectorauth.NewClient(c, &http.Client{Transport: n.Transport})
	challenged := func(w http.ResponseWriter, r *http.Request, nonce string) bool {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Digest realm="r", qop="auth", algorithm=SHA-256, nonce="`+nonce+`"`)
			w.WriteHeader(401)
			return true
		}
		return false
	}
	n.Redirect(302, fakehttp.Home+"/start", fakehttp.Foreign+"/end")
	redirect := n.Routes[fakehttp.Home+"/start"]
	n.Routes[fakehttp.Home+"/start"] = func(w http.ResponseWriter, r *http.Request) {
		if !challenged(w, r, "of-home") {
			redirect(w, r)
		}
	}
	n.Routes[fakehttp.Foreign+"/end"] = func(w http.ResponseWriter, r *http.Request) { challenged(w, r, "of-foreign") }
	resp, err := client.Get(fakehttp.Home + "/start")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 401, resp.StatusCode, "the response of the foreign origin")
	require.Len(t, n.Seen[fakehttp.Home], 2)
	assert.Contains(t, n.Seen[fakehttp.Home][1].Header.Get("Authorization"), `nonce="of-home"`)
	require.Len(t, n.Seen[fakehttp.Foreign], 1)
	assert.Empty(t, n.Seen[fakehttp.Foreign][0].Header.Get("Authorization"))
}

func TestOriginsHaveChallengesOfTheirOwn(t *testing.T) {
	a, b := &service{qop: "auth"}, &service{qop: "auth-int", algorithms: []string{"SHA-512-256"}}
	urls := []string{a.start(t), b.start(t)}
	client, _ := open(t, nil)
	for range 5 {
		for _, url := range urls {
			assert.Equal(t, 200, status(t, client, url, "body"))
		}
	}
	assert.Equal(t, []int{6, 6}, []int{a.requests, b.requests})
}

func TestCallersCredentialsAreReplaced(t *testing.T) {
	s := &service{qop: "auth"}
	url := s.start(t)
	client, _ := open(t, nil)
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		req.Header["authorization"] = []string{"Digest mine"}
		resp, err := client.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 200, resp.StatusCode)
	}
}

func TestConfigIsChecked(t *testing.T) {
	_, err := digestauth.New(digestauth.Config{Username: "a:b", Password: "x\n", Hosts: []string{"a b"}})
	require.Error(t, err)
	for _, want := range []string{"digestauth.Config: ", "Username: has a colon", "Password: ", "Hosts"} {
		assert.ErrorContains(t, err, want)
	}
	_, err = digestauth.New(digestauth.Config{})
	assert.ErrorContains(t, err, "Username: is empty")
	assert.ErrorContains(t, err, "Password: is empty")
}

func TestNothingPrintsThePassword(t *testing.T) {
	client, c := open(t, nil)
	for _, value := range []any{c, client, client.Transport, digestauth.Config{Username: user, Password: password}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			assert.Empty(t, canary.Found(fmt.Sprintf(verb, value), password))
		}
	}
}

func TestDigestOfAJoinCoversAKeyInTheQuery(t *testing.T) {
	s := &service{qop: "auth", uses: 2}
	url := s.start(t)
	_, c := open(t, nil)
	key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "a/b", In: dialect.InQuery, Name: "key"})
	require.NoError(t, err)
	joined, err := connectorauth.Join(c, key)
	require.NoError(t, err)
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	client := connectorauth.NewClient(joined, &http.Client{Transport: base})
	for range 5 {
		assert.Equal(t, 200, status(t, client, url+"/?a=1", "body"))
	}
	assert.Contains(t, s.headers[0], `uri="/?a=1&key=a%2Fb"`)
	basic, err := connectorauth.NewBasic(connectorauth.BasicConfig{Username: "u"})
	require.NoError(t, err)
	_, err = connectorauth.Join(c, basic)
	require.ErrorContains(t, err, "two credentials for the header Authorization")
}
