package digestauth_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

func TestWrongPasswordIsTriedOnce(t *testing.T) {
	s := &service{qop: "auth", password: "another"}
	url := s.start(t)
	var events []connectorauth.Event
	client, _ := open(t, func(c *digestauth.Config) {
		c.Account = "alice"
		c.Observe = func(e connectorauth.Event) {
			if e.Kind == connectorauth.EventReauthRequired {
				assert.ErrorContains(t, e.Err, `account "alice"`)
				events = append(events, e)
			}
		}
	})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := client.Get(url)
			assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			assert.ErrorContains(t, err, "refuses user name or password")
			assert.Empty(t, canary.Found(err.Error(), password))
		})
	}
	all.Wait()
	before := s.requests
	for range 10 {
		_, err := client.Get(url)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		require.ErrorContains(t, err, `account "alice"`)
		require.ErrorContains(t, err, "the next attempt is made in 1h0m0s at the earliest")
	}
	assert.Equal(t, 1, s.tried, "over 60 requests")
	assert.Equal(t, before, s.requests, "nothing is sent after the refusal")
	assert.Len(t, events, 1)
}

// bubble runs s without a network, in a synctest bubble.
func bubble(t *testing.T, s *service, test func(t *testing.T, client *http.Client, c *connectorauth.Custom)) {
	s.nonces, s.cnonces, s.algorithms = map[string]*nonce{}, map[string]string{}, []string{"SHA-256"}
	s.password = cmp.Or(s.password, password)
	synctest.Test(t, func(t *testing.T) {
		c, err := digestauth.New(digestauth.Config{Username: user, Password: password, Shared: new(connectorauth.Shared)})
		require.NoError(t, err)
		base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			served := req.Clone(req.Context())
			served.RequestURI = req.URL.RequestURI()
			if served.Body == nil {
				served.Body = http.NoBody
			}
			s.ServeHTTP(w, served)
			return w.Result(), nil
		})
		test(t, connectorauth.NewClient(c, &http.Client{Transport: base}), c)
	})
	assert.Empty(t, s.problems)
}

func TestRefusedPasswordIsTriedAgainAfterGrowingPauses(t *testing.T) {
	s := &service{qop: "auth", password: "another"}
	bubble(t, s, func(t *testing.T, client *http.Client, c *connectorauth.Custom) {
		refused := func() {
			t.Helper()
			_, err := client.Get("https://api.example.test/")
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		}
		refused()
		for i, pause := range []time.Duration{1, 2, 4, 8, 16, 24, 24} {
			time.Sleep(pause*time.Hour - time.Minute)
			refused()
			require.Equal(t, i+1, s.tried, "before the end of a pause of %d hours", pause)
			time.Sleep(2 * time.Minute)
			refused()
			require.Equal(t, i+2, s.tried, "after a pause of %d hours", pause)
		}
		s.password = password // the account owner has changed the password
		require.NoError(t, c.Renew(t.Context()))
		assert.Equal(t, 200, status(t, client, "https://api.example.test/", ""))

		s.password = "changed" // one try with the former nonce, one with a new nonce
		before := s.tried
		refused()
		assert.Equal(t, before+2, s.tried)
		refused()
		assert.Equal(t, before+2, s.tried)
		s.password = password
		time.Sleep(2 * time.Minute)
		assert.Equal(t, 200, status(t, client, "https://api.example.test/", ""))
	})
}

func TestRequestThatTriesThePasswordDoesNotHoldOthersForEver(t *testing.T) {
	s := &service{qop: "auth"}
	var hang chan struct{}
	s.respond = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/hangs" && r.Header.Get("Authorization") != "" {
			<-hang
		}
		return false
	}
	bubble(t, s, func(t *testing.T, client *http.Client, _ *connectorauth.Custom) {
		hang = make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { assert.Equal(t, 200, status(t, client, "https://api.example.test/hangs", "")) })
		synctest.Wait()
		began := time.Now()
		all.Go(func() {
			impatient := &http.Client{Transport: client.Transport, Timeout: time.Second}
			_, err := impatient.Get("https://api.example.test/")
			assert.ErrorContains(t, err, "deadline exceeded")
		})
		assert.Equal(t, 200, status(t, client, "https://api.example.test/", ""))
		assert.Equal(t, 10*time.Second, time.Since(began))
		close(hang)
		all.Wait()
	})
}

func TestOverloadedServerSaysNothingOfThePassword(t *testing.T) {
	s := &service{qop: "auth"}
	overloaded := true
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		if overloaded && r.Header.Get("Authorization") != "" {
			w.WriteHeader(503)
			return true
		}
		return false
	}
	url := s.start(t)
	client, _ := open(t, nil)
	assert.Equal(t, 503, status(t, client, url, ""))
	overloaded = false
	assert.Equal(t, 200, status(t, client, url, ""))
}

func TestBodyThatCannotBeSentAgain(t *testing.T) {
	s := &service{qop: "auth"}
	url := s.start(t)
	client, _ := open(t, nil)
	send := func() *http.Response {
		resp, err := client.Post(url, "text/plain", io.MultiReader(strings.NewReader("a stream")))
		require.NoError(t, err)
		resp.Body.Close()
		return resp
	}
	resp := send()
	assert.Equal(t, 401, resp.StatusCode)
	assert.ErrorContains(t, connectorauth.RenewalError(resp), "the body of the request cannot be sent again")
	assert.Zero(t, s.read, "the body is not sent without a challenge")
	require.Eventually(t, func() bool { return send().StatusCode == 200 }, 5*time.Second, 10*time.Millisecond)
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
