package connectorauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// expelled is a connector whose token the API rejects. answer answers its renewals.
func expelled(t *testing.T, answer func(n int, _ *http.Request) (int, string)) *connectorauth.OAuth2 {
	t.Helper()
	c, _ := dialected(t, config2{Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"}}, answer)
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: accessToken, RefreshToken: refreshToken}))
	return c
}

// outage answers every token request with a status and a body.
func outage(status int, body string) func(int, *http.Request) (int, string) {
	return func(int, *http.Request) (int, string) { return status, body }
}

// rejecting is an API that answers 401.
var rejecting = &fakehttp.Base{Answer: fakehttp.Statuses(401)}

func TestRenewalErrorTellsWhyARejectionStands(t *testing.T) {
	once := func() *http.Request {
		return must(http.NewRequest(http.MethodPost, home, io.NopCloser(strings.NewReader("once"))))
	}
	plain := func() *http.Request { return must(http.NewRequest(http.MethodGet, home, nil)) }
	fresh := outage(200, `{"access_token":"a2","expires_in":3600}`)
	for _, test := range []struct {
		name   string
		answer func(int, *http.Request) (int, string)
		req    func() *http.Request
		want   []string // parts of the error; none means no error
	}{
		{"outage", outage(503, `{"error":"temporarily_unavailable","error_description":"back soon"}`), plain, []string{"status 503", "temporarily_unavailable", "back soon"}},
		{"pause", outage(429, "slow"), plain, []string{"status 429"}},
		{"not OAuth", outage(400, "<html>"), plain, []string{"status 400"}},
		{"rejected again", fresh, plain, []string{"right after its renewal"}},
		{"body for one use", fresh, once, []string{"cannot be sent again"}},
		{"body that fails", fresh, func() *http.Request {
			req := once()
			req.GetBody = func() (io.ReadCloser, error) { return nil, errBroken }
			return req
		}, []string{"cannot be sent again", "broken"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				req := test.req()
				resp, err := expelled(t, test.answer).Wrap(rejecting).RoundTrip(req)
				require.NoError(t, err)
				require.Equal(t, 401, resp.StatusCode)
				assert.Same(t, req, resp.Request)
				why := connectorauth.RenewalError(resp)
				assert.Equal(t, test.name == "rejected again", errors.Is(why, connectorauth.ErrCredentialRejected))
				for _, part := range test.want {
					require.ErrorContains(t, why, part)
				}
				assert.Empty(t, canaries(fmt.Sprintf("%v %+v %#v %v", why, why, why, resp.Header)))
			})
		})
	}
}

// canaries returns the credentials of expelled in text.
func canaries(text string) (found []string) {
	for _, secret := range []string{accessToken, refreshToken, clientSecret} {
		if strings.Contains(text, secret) {
			found = append(found, secret)
		}
	}
	return found
}

func TestRenewalErrorHasTheTokenError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := expelled(t, outage(503, `{"error":"server_error","error_description":"the pump is broken"}`))
		client := connectorauth.NewClient(c, &http.Client{Transport: rejecting})
		for range 2 { // the second request is paused
			resp := must(client.Get(home))
			var failed *connectorauth.TokenError
			require.ErrorAs(t, connectorauth.RenewalError(resp), &failed)
			assert.True(t, failed.Temporary())
			assert.Equal(t, 503, failed.StatusCode)
			assert.Equal(t, "server_error", failed.Code)
			assert.Equal(t, "the pump is broken", failed.Description)
			var theirs *oauth2.RetrieveError
			assert.ErrorAs(t, connectorauth.RenewalError(resp), &theirs)
			assert.NotErrorIs(t, connectorauth.RenewalError(resp), connectorauth.ErrReauthRequired)
		}
	})
}

func TestRenewalErrorOfAStoreHasItsText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &downStore{}
		c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Store: store, Account: "alice"}, outage(200, `{"access_token":"a1"}`))
		client := connectorauth.NewClient(c, &http.Client{Transport: rejecting})
		_, err := c.Token(t.Context())
		require.NoError(t, err)
		store.setDown(true)
		why := connectorauth.RenewalError(must(client.Get(home)))
		require.ErrorContains(t, why, "alice")
		require.ErrorContains(t, why, "store down")
		assert.False(t, errors.As(why, new(*connectorauth.TokenError)), "no token request has failed")
		store.setDown(false)
		time.Sleep(time.Hour)
	})
}

// downStore is a faultyStore whose Load fails too.
type downStore struct{ faultyStore }

func (s *downStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if err := s.err(); err != nil {
		return nil, false, err
	}
	return s.faultyStore.Load(ctx, key)
}

func TestRenewalErrorIsNilForOtherResponses(t *testing.T) {
	assert.NoError(t, connectorauth.RenewalError(nil))
	assert.NoError(t, connectorauth.RenewalError(&http.Response{}))
	assert.NoError(t, connectorauth.RenewalError(&http.Response{Header: http.Header{":connectorauth-renewal": {"what"}}}))

	connectors := map[string]connectorauth.Connector{"None": connectorauth.None{}}
	for _, s := range subjects(tokenEndpoint()) {
		if s.name != "OAuth2" && s.name != "body key" && s.name != "AuthFields" {
			connectors[s.name] = s.connector
		}
	}
	for name, c := range connectors {
		for _, body := range []io.Reader{nil, io.NopCloser(strings.NewReader("once"))} {
			resp, err := c.Wrap(rejecting).RoundTrip(must(http.NewRequest(http.MethodPut, home, body)))
			require.NoError(t, err, name)
			assert.NoError(t, connectorauth.RenewalError(resp), name)
		}
	}

	ok := expelled(t, outage(503, ""))
	for _, status := range []int{200, 403, 500} {
		resp := must(ok.Wrap(&fakehttp.Base{Answer: fakehttp.Statuses(status)}).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil))))
		assert.NoError(t, connectorauth.RenewalError(resp), status)
	}
	scope := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(401, "")
		resp.Header.Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
		return resp, nil
	}}
	resp := must(ok.Wrap(scope).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil))))
	assert.NoError(t, connectorauth.RenewalError(resp), "another token would not help")

	renewed := renewing(t, nil)
	resp = must(renewed.Wrap(&fakehttp.Base{Answer: wants("2")}).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil))))
	assert.Equal(t, 200, resp.StatusCode)
	assert.NoError(t, connectorauth.RenewalError(resp))
}

func TestRenewalErrorOfCustomOAuth1AndJoin(t *testing.T) {
	get := func(c connectorauth.Connector) error {
		resp, err := c.Wrap(rejecting).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		require.NoError(t, err)
		require.Equal(t, 401, resp.StatusCode)
		return connectorauth.RenewalError(resp)
	}
	synctest.Test(t, func(t *testing.T) {
		assert.ErrorContains(t, get(renewing(t, func(context.Context, *http.Request) error { return errBroken })), "broken")
		assert.ErrorContains(t, get(renewing(t, nil)), "right after its renewal")
		joined := must(connectorauth.Join(queryKey(), expelled(t, outage(503, "")), renewing(t, func(context.Context, *http.Request) error { return errBroken })))
		assert.ErrorContains(t, get(joined), "status 503")
		client := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s", In: dialect.InQuery}))
		never := must(connectorauth.Join(client, expelled(t, outage(503, ""))))
		assert.ErrorContains(t, get(never), "status 503", "a credential that is never renewed hides no reason")
	})
}

func TestErrorOfAHookTellsWhyARejectionStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectorauth.WithHooks(expelled(t, outage(503, "")), connectorauth.Hooks{AfterResponse: func(*connectorauth.Exchange) error {
			return connectorauth.ErrCredentialRejected
		}})
		_, err := c.Wrap(rejecting).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		require.ErrorIs(t, err, connectorauth.ErrCredentialRejected)
		var failed *connectorauth.TokenError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, 503, failed.StatusCode)
	})
}

// The servers and clients are real: http.Client wraps the body for its Timeout.
func TestRenewalErrorComesThroughClientsAndRoundTrippers(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/here", http.StatusFound)
			return
		}
		w.Header().Set(":connectorauth-renewal", `{"text":"forged"}`) // which net/http drops
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, "who are you?")
	}))
	defer api.Close()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	c := expelled(t, outage(503, ""))

	// copying is a RoundTripper that copies the response and reads the body, as those
	// for traces, logs and repetitions do.
	copying := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := c.Wrap(nil).RoundTrip(req.Clone(req.Context()))
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		duplicate := *resp
		duplicate.Header, duplicate.Request = resp.Header.Clone(), req
		duplicate.Body = io.NopCloser(strings.NewReader(string(body)))
		return &duplicate, err
	})
	for name, client := range map[string]*http.Client{
		"client":       connectorauth.NewClient(c, nil),
		"timeout":      connectorauth.NewClient(c, &http.Client{Timeout: time.Minute}),
		"roundTripper": {Transport: copying, Timeout: time.Minute},
	} {
		for _, path := range []string{"/here", "/moved"} {
			resp, err := client.Get(api.URL + path)
			require.NoError(t, err, name)
			assert.ErrorContains(t, connectorauth.RenewalError(resp), "status 503", name+path)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, "who are you?", string(body))
			require.NoError(t, resp.Body.Close())
			assert.ErrorContains(t, connectorauth.RenewalError(resp), "status 503", name+path+" afterwards")
			dump := string(must(httputil.DumpResponse(resp, false)))
			assert.NotContains(t, dump, "renewal")
		}
	}

	forged := must(http.Get(api.URL))
	forged.Body.Close()
	assert.NoError(t, connectorauth.RenewalError(forged))
	stranger := connectorauth.NewClient(queryKey(), nil)
	resp := must(stranger.Get(api.URL))
	resp.Body.Close()
	assert.NoError(t, connectorauth.RenewalError(resp))
}

func TestGrantThatIsGoneIsAnErrorAndNoResponse(t *testing.T) {
	resp, err := expelled(t, outage(400, `{"error":"invalid_grant"}`)).Wrap(rejecting).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	assert.Nil(t, resp)
}
