package attack_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

// hostileCallbacks are queries that some stranger sends to the callback URL, for
// a consent whose callback would have been good. state and code are the names of
// the parameters that matter.
func hostileCallbacks(good url.Values, state, code string) map[string]url.Values {
	with := func(edit func(q url.Values)) url.Values {
		q := url.Values{}
		for name, values := range good {
			q[name] = append([]string(nil), values...)
		}
		edit(q)
		return q
	}
	many := url.Values{}
	for i := range 100_000 {
		many.Set(fmt.Sprint("a", i), canary)
	}
	return map[string]url.Values{
		"nothing":              {},
		"nil":                  nil,
		"many parameters":      many,
		"no state":             with(func(q url.Values) { q.Del(state) }),
		"empty state":          with(func(q url.Values) { q.Set(state, "") }),
		"other state":          with(func(q url.Values) { q.Set(state, canary) }),
		"longer state":         with(func(q url.Values) { q.Set(state, q.Get(state)+"a") }),
		"shorter state":        with(func(q url.Values) { q.Set(state, q.Get(state)[:8]) }),
		"state twice":          with(func(q url.Values) { q.Add(state, q.Get(state)) }),
		"good state second":    with(func(q url.Values) { q[state] = []string{canary, q.Get(state)} }),
		"huge state":           with(func(q url.Values) { q.Set(state, strings.Repeat(canary, 1<<19)) }),
		"no values":            with(func(q url.Values) { q[state], q[code] = nil, nil }),
		"code twice":           with(func(q url.Values) { q.Add(code, canary) }),
		"no code":              with(func(q url.Values) { q.Del(code) }),
		"empty code":           with(func(q url.Values) { q.Set(code, "") }),
		"state of other bytes": with(func(q url.Values) { q.Set(state, "\x00\xff\r\n\u202e") }),
		"error of a stranger": with(func(q url.Values) {
			q.Set(state, canary)
			q.Set("error", "<script>\r\n"+canary)
			q.Set("error_description", strings.Repeat("\x1b[31m"+canary, 1<<16))
			q.Set("oauth_problem", canary)
			q.Set("denied", canary)
		}),
	}
}

func TestHostileCallbacksMakeNoTokenRequest(t *testing.T) {
	p := authtest.NewProvider(t)
	type flow interface {
		Begin(ctx context.Context, redirectURL string) (string, connectorauth.Secret, error)
		Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error
	}
	for _, tc := range []struct {
		name              string
		connector         flow
		state, code       string
		endpoint          string
		requestsWhileGood int
	}{
		{"OAuth2", must(connectorauth.NewOAuth2(oauth2Config(p, p.Client(), connectorauth.AuthorizationCode{AuthURL: p.AuthURL}))), "state", "code", p.TokenURL, 1},
		{"OAuth1", must(connectorauth.NewOAuth1(oauth1Config(p, p.Client()))), "oauth_token", "oauth_verifier", p.AccessTokenURL, 1},
	} {
		authURL, pending, err := tc.connector.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		callback, err := p.Authorize(authURL)
		require.NoError(t, err)
		for name, hostile := range hostileCallbacks(callback.Query(), tc.state, tc.code) {
			t.Run(tc.name+"/"+name, func(t *testing.T) {
				began := time.Now()
				requireHarmless(t, tc.connector.Finish(t.Context(), pending, hostile))
				assert.Less(t, time.Since(began), 20*time.Second)
				assert.Empty(t, p.Requests(tc.endpoint))
			})
		}
		for name, hostile := range map[string]connectorauth.Secret{
			"empty": "", "text": canary, "huge": connectorauth.Secret(strings.Repeat(canary, 1<<18)), "nesting": connectorauth.Secret(strings.Repeat(`{"a":`, 1<<17)),
			"cut off": pending[:len(pending)/2], "extended": pending + "a", "control characters": "\x00\r\n" + canary,
		} {
			t.Run(tc.name+"/pending/"+name, func(t *testing.T) {
				requireHarmless(t, tc.connector.Finish(t.Context(), hostile, callback.Query()))
				assert.Empty(t, p.Requests(tc.endpoint))
			})
		}
		require.NoError(t, tc.connector.Finish(t.Context(), pending, callback.Query()), "the good callback, after all that")
		assert.Len(t, p.Requests(tc.endpoint), tc.requestsWhileGood)
	}
}
