package digestauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/digestauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const api = "https://api.example.test"

// hostile runs test in a bubble. respond returns the status and a WWW-Authenticate
// header for the request number n that carries credentials, from 1. n is 0 for a
// request without credentials. tried counts the requests with credentials.
func hostile(t *testing.T, respond func(n int, req *http.Request) (status int, challenge string), test func(t *testing.T, client *http.Client, tried *int)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tried := 0
		base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
			n := 0
			if req.Header.Get("Authorization") != "" {
				tried++
				n = tried
			}
			status, challenge := respond(n, req)
			resp := fakehttp.Respond(status, "")
			if challenge != "" {
				resp.Header.Set("WWW-Authenticate", challenge)
			}
			return resp, nil
		}}
		c, err := digestauth.New(digestauth.Config{Username: user, Password: password, Hosts: []string{"*.example.test"}, Shared: new(connectorauth.Shared)})
		require.NoError(t, err)
		test(t, connectorauth.NewClient(c, &http.Client{Transport: base}), &tried)
	})
}

func offered(realm, nonce, more string) string {
	return fmt.Sprintf(`Digest realm="%s", nonce="%s", qop="auth", algorithm=SHA-256%s`, realm, nonce, more)
}

// get returns the status of a response, and 0 for an error.
func get(t *testing.T, client *http.Client, url string) int {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestServerThatRefusesInItsOwnWayDoesNotLockTheAccount(t *testing.T) {
	for name, test := range map[string]struct {
		respond func(n int, _ *http.Request) (int, string)
		most    int
	}{
		"without a challenge": {func(n int, _ *http.Request) (int, string) {
			if n == 0 {
				return 401, offered("r", "n", "")
			}
			return 401, ""
		}, 1},
		"with a challenge of another kind": {func(n int, _ *http.Request) (int, string) {
			if n == 0 {
				return 401, offered("r", "n", "")
			}
			return 401, `Basic realm="r"`
		}, 1},
		"with another realm each time": {func(n int, _ *http.Request) (int, string) {
			return 401, offered(fmt.Sprint("r", n), fmt.Sprint("n", n), "")
		}, 3},
		"with a stale nonce each time": {func(n int, _ *http.Request) (int, string) {
			return 401, offered("r", fmt.Sprint("n", n), ", stale=true")
		}, 3},
		"with the same stale nonce": {func(int, *http.Request) (int, string) { return 401, offered("r", "n", ", stale=true") }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			hostile(t, test.respond, func(t *testing.T, client *http.Client, tried *int) {
				for range 30 {
					get(t, client, api)
				}
				assert.LessOrEqual(t, *tried, test.most)
				assert.Zero(t, get(t, client, api), "the refusal is known")
			})
		})
	}
}

func TestPasswordThatWasGoodIsRefusedWithoutAChallenge(t *testing.T) {
	good := true
	hostile(t, func(n int, _ *http.Request) (int, string) {
		switch {
		case n == 0:
			return 401, offered("r", "n", "")
		case good:
			return 200, ""
		}
		return 401, ""
	}, func(t *testing.T, client *http.Client, tried *int) {
		require.Equal(t, 200, get(t, client, api))
		good = false
		require.Equal(t, 401, get(t, client, api), "the user may have no access there")
		for range 30 {
			get(t, client, api)
		}
		assert.LessOrEqual(t, *tried, 3)
		good = true
		time.Sleep(2 * time.Minute)
		assert.Equal(t, 200, get(t, client, api))
	})
}

func TestRealmsOfOneOriginAreNoRefusal(t *testing.T) {
	hostile(t, func(_ int, req *http.Request) (int, string) {
		if realm := req.URL.Path; !strings.Contains(req.Header.Get("Authorization"), `realm="`+realm+`"`) {
			return 401, offered(realm, "n"+realm, "")
		}
		return 200, ""
	}, func(t *testing.T, client *http.Client, _ *int) {
		for i := range 20 {
			require.Equal(t, 200, get(t, client, fmt.Sprint(api, "/", i%3)), i)
		}
	})
}

func TestChallengeThatNoHeaderCanAnswerIsNotKept(t *testing.T) {
	for _, broken := range []string{offered("r\x01", "n", ""), offered("r", "n\x7f", ""), offered("r", "n", ", opaque=\"\x02\"")} {
		hostile(t, func(n int, _ *http.Request) (int, string) {
			if n == 0 {
				return 401, broken
			}
			return 200, ""
		}, func(t *testing.T, client *http.Client, tried *int) {
			resp, err := client.Get(api)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, 401, resp.StatusCode)
			assert.ErrorContains(t, connectorauth.RenewalError(resp), "control character")
			assert.Zero(t, *tried)
			broken = offered("r", "n", "")
			time.Sleep(10 * time.Minute)
			assert.Equal(t, 200, get(t, client, api))
		})
	}
}

func TestNextNonceThatNoHeaderCanHoldIsIgnored(t *testing.T) {
	s := &service{qop: "auth"}
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Authentication-Info", "nextnonce=\"a\x01b\"")
		return false
	}
	bubble(t, s, func(t *testing.T, client *http.Client, _ *connectorauth.Custom) {
		for range 3 {
			assert.Equal(t, 200, status(t, client, api, ""))
		}
	})
	assert.Equal(t, 4, s.requests)
	for _, header := range s.headers {
		assert.NotContains(t, header, "\x01")
	}
}

func TestRefusalOutlivesManyOtherOrigins(t *testing.T) {
	hostile(t, func(n int, req *http.Request) (int, string) {
		if n == 0 || req.URL.Host == "wrong.example.test" {
			return 401, offered("r", "n", "")
		}
		return 200, ""
	}, func(t *testing.T, client *http.Client, tried *int) {
		require.Zero(t, get(t, client, "https://wrong.example.test"))
		for i := range 70 {
			require.Equal(t, 200, get(t, client, fmt.Sprintf("https://h%d.example.test", i)))
		}
		before := *tried
		assert.Zero(t, get(t, client, "https://wrong.example.test"))
		assert.Equal(t, before, *tried)
	})
}

func TestNonceOfOneUseServesEveryRequest(t *testing.T) {
	s := &service{qop: "auth", uses: 1}
	bubble(t, s, func(t *testing.T, client *http.Client, _ *connectorauth.Custom) {
		for i := range 20 {
			require.Equal(t, 200, status(t, client, api, "body"), i)
		}
	})
}

func TestNonceThatEndsTwiceForOneRequestDoesNotStopTheNext(t *testing.T) {
	restart := 0
	hostile(t, func(n int, _ *http.Request) (int, string) {
		if n == 0 {
			return 401, offered("r", "n", "")
		}
		if restart > 0 || n%2 == 0 {
			restart--
			return 401, offered("r", fmt.Sprint("n", n), ", stale=true")
		}
		return 200, ""
	}, func(t *testing.T, client *http.Client, _ *int) {
		require.Equal(t, 200, get(t, client, api))
		restart = 2
		require.Equal(t, 401, get(t, client, api), "stale twice")
		for i := range 3 {
			require.Equal(t, 200, get(t, client, api), i)
		}
	})
}

func TestOriginWithoutAChallengeToAnswerDoesNotHoldOthersUp(t *testing.T) {
	hostile(t, func(n int, req *http.Request) (int, string) {
		switch {
		case n > 0:
			return 200, ""
		case req.URL.Host == "old.example.test":
			return 401, `Digest realm="r", nonce="n", qop="auth", algorithm=MD5`
		}
		return 401, offered("r", "n", "")
	}, func(t *testing.T, client *http.Client, _ *int) {
		require.Equal(t, 401, get(t, client, "https://old.example.test"))
		assert.Equal(t, 200, get(t, client, api))
	})
}

func TestHookThatRejectsDoesNotForgetARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tried := 0
		base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
			switch {
			case req.Header.Get("Authorization") != "" && req.URL.Host == "a.example.test":
				tried++
			case req.Header.Get("Authorization") != "":
				return fakehttp.Respond(200, "who are you?"), nil
			}
			resp := fakehttp.Respond(401, "")
			resp.Header.Set("WWW-Authenticate", offered("r", "n", ""))
			return resp, nil
		}}
		c, err := digestauth.New(digestauth.Config{Username: user, Password: password, Hosts: []string{"*.example.test"}, Shared: new(connectorauth.Shared)})
		require.NoError(t, err)
		client := connectorauth.NewClient(connectorauth.WithHooks(c, connectorauth.Hooks{AfterResponse: func(e *connectorauth.Exchange) error {
			if e.Response.StatusCode == 200 {
				return connectorauth.ErrCredentialRejected
			}
			return nil
		}}), &http.Client{Transport: base})
		for range 3 {
			require.Zero(t, get(t, client, "https://a.example.test"))
			_, err := client.Get("https://b.example.test")
			require.ErrorIs(t, err, connectorauth.ErrCredentialRejected)
		}
		assert.Equal(t, 1, tried)
	})
}

func TestConnectorsOfAProgramKnowOfARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tried, good := 0, false
		base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
			if req.Header.Get("Authorization") != "" {
				if tried++; good {
					return fakehttp.Respond(200, ""), nil
				}
			}
			resp := fakehttp.Respond(401, "")
			resp.Header.Set("WWW-Authenticate", offered("r", "n", ""))
			return resp, nil
		}}
		shared := new(connectorauth.Shared)
		fresh := func(secret connectorauth.Secret) (*http.Client, *connectorauth.Custom) {
			c, err := digestauth.New(digestauth.Config{Username: user, Password: secret, Shared: shared})
			require.NoError(t, err)
			return connectorauth.NewClient(c, &http.Client{Transport: base}), c
		}
		use := func(secret connectorauth.Secret) int {
			client, _ := fresh(secret)
			return get(t, client, api)
		}
		for range 10 {
			require.Zero(t, use("wrong"))
		}
		require.Equal(t, 1, tried)
		require.Zero(t, use("another"))
		require.Equal(t, 2, tried, "another password")
		time.Sleep(61 * time.Minute)
		require.Zero(t, use("wrong"))
		require.Equal(t, 3, tried)
		time.Sleep(61 * time.Minute)
		require.Zero(t, use("wrong"))
		require.Equal(t, 3, tried, "the pause is two hours")

		client, c := fresh("wrong")
		require.Zero(t, get(t, client, api))
		good = true
		require.NoError(t, c.Renew(t.Context()))
		require.Equal(t, 200, get(t, client, api))
		require.Equal(t, 200, use("wrong"), "nothing is refused any more")
	})
}

func TestURIOfACredentialIsThatOfTheRequest(t *testing.T) {
	s := &service{qop: "auth"}
	base := s.start(t)
	client, _ := open(t, nil)
	for _, path := range []string{"", "?", "/?", "?x", "//a//b", "/a;b=c", "/{x}?y={z}", "/ä?ö=ü", "/a%2fb%2F%20", "/a+b?c+d", `/"quoted"?\"`, "/%", "/a#fragment"} {
		u, err := url.Parse(base + strings.ReplaceAll(path, "/%", "/%25"))
		require.NoError(t, err)
		for _, method := range []string{"GET", "OPTIONS", "PROPFIND", ""} {
			resp, err := client.Do((&http.Request{Method: method, URL: u, Header: http.Header{}}).WithContext(t.Context()))
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, 200, resp.StatusCode, "%s %s", method, path)
		}
	}
	for _, u := range []*url.URL{{Path: "*"}, {Opaque: "/a%2Fb"}} {
		at, err := url.Parse(base)
		require.NoError(t, err)
		u.Scheme, u.Host = at.Scheme, at.Host
		resp, err := client.Do((&http.Request{Method: "OPTIONS", URL: u, Header: http.Header{}}).WithContext(t.Context()))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 200, resp.StatusCode, u)
	}
}
