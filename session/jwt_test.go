package session_test

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/session"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever a service writes as exp, the session is used, and lasts at least until the
// next request.
func TestHostileExpiryOfAJWT(t *testing.T) {
	hour := `{"exp":` + "946688400" + `}` // one hour after the bubble's beginning, 2000-01-01
	for name, test := range map[string]struct {
		token string
		end   time.Duration // 0: unknown
	}{
		"an hour":         {"e30." + base64url(hour) + ".c2ln", time.Hour},
		"padded":          {"e30." + base64url(`{"exp":946688400 }`) + "==.c2ln", time.Hour},
		"a fraction":      {"e30." + base64url(`{"exp":946688400.5}`) + ".c2ln", time.Hour + 500*time.Millisecond},
		"a text":          {"e30." + base64url(`{"exp":"946688400"}`) + ".c2ln", time.Hour},
		"twice":           {"e30." + base64url(`{"exp":1,"exp":946688400}`) + ".c2ln", time.Hour},
		"no signature":    {"e30." + base64url(hour), 0},
		"encrypted":       {"e30." + base64url(hour) + ".a.b.c", 0},
		"negative":        {"e30." + base64url(`{"exp":-1}`) + ".c2ln", 0},
		"zero":            {"e30." + base64url(`{"exp":0}`) + ".c2ln", 0},
		"the past":        {"e30." + base64url(`{"exp":946684799}`) + ".c2ln", 0},
		"now":             {"e30." + base64url(`{"exp":946684800}`) + ".c2ln", 0},
		"huge":            {"e30." + base64url(`{"exp":1e400}`) + ".c2ln", 100 * 365 * 24 * time.Hour},
		"absent":          {"e30." + base64url(`{}`) + ".c2ln", 0},
		"null":            {"e30." + base64url(`{"exp":null}`) + ".c2ln", 0},
		"a list":          {"e30." + base64url(`{"exp":[946688400]}`) + ".c2ln", 0},
		"not JSON":        {"e30." + base64url(`exp`) + ".c2ln", 0},
		"not base64":      {"e30.***.c2ln", 0},
		"nothing between": {"..", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
				return fakehttp.Respond(200, `{"token":"`+test.token+`"}`), nil
			}}
			config := one(func(*session.Request) {})
			config.HTTPClient, config.Lifetime.JWT = client(base), "token"
			c := must(session.New(config))
			for range 3 {
				resp, err := connectorauth.NewClient(c, client(base)).Get("https://api.example.test/")
				require.NoError(t, err, name)
				resp.Body.Close()
			}
			assert.Len(t, base.Requests(), 4, name)
			expiry := must(c.Status(t.Context())).Expiry
			if test.end == 0 {
				assert.True(t, expiry.IsZero(), name)
			} else {
				assert.WithinDuration(t, time.Now().Add(test.end), expiry, time.Millisecond, name)
			}
		})
	}
}

// A token of dots alone costs no more memory than another one (CVE-2025-22868 of x/oauth2).
func TestDotsOfAJWTCostNoMemory(t *testing.T) {
	const length = 1 << 16 // the longest that is captured
	cost := func(token string) uint64 {
		base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
			return fakehttp.Respond(200, `{"token":"`+token+`","key":"k"}`), nil
		}}
		config := one(func(r *session.Request) { r.Capture["key"] = "key" })
		config.HTTPClient, config.Lifetime.JWT = client(base), "token"
		c := must(session.New(config))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		require.NoError(t, c.Renew(t.Context()))
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	cost("a") // what is made once
	assert.Less(t, cost(strings.Repeat(".", length)), cost(strings.Repeat("a", length))+8*length)
}
