package doctor_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/doctor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// A dated is a network whose hosts have clocks of their own.
type dated struct {
	ahead map[string]time.Duration // by host; of its clock
	age   time.Duration            // of each response, in a cache
	there time.Duration            // how long a request is on the way
	back  time.Duration            // how long a response is

	reject bool // the API answers with 401
}

func (d *dated) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(d.there)
	h := http.Header{"Content-Type": {"application/json"}}
	h.Set("Date", time.Now().Add(d.ahead[r.URL.Host]-d.age).UTC().Format(http.TimeFormat))
	if d.age > 0 {
		h.Set("Age", strconv.Itoa(int(d.age.Seconds())))
	}
	time.Sleep(d.back)
	if r.Body != nil {
		r.Body.Close()
	}
	status := http.StatusOK
	if d.reject && strings.HasPrefix(r.URL.Host, "api.") {
		status = http.StatusUnauthorized
	}
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", Header: h, Body: io.NopCloser(strings.NewReader(`{"error": "invalid_grant"}`)), Request: r}, nil
}

func TestTheClock(t *testing.T) {
	all := func(d time.Duration) map[string]time.Duration {
		return map[string]time.Duration{"api.acme.example": d, "login.acme.example": d, "www.acme.example": d}
	}
	for name, c := range map[string]struct {
		network dated
		outcome doctor.Outcome
		cause   doctor.Cause
		detail  string
	}{
		"right":                           {dated{}, doctor.OK, "", "agrees with"},
		"slow requests":                   {dated{there: 8 * time.Second}, doctor.OK, "", "agrees with"},
		"slow responses":                  {dated{back: 8 * time.Second}, doctor.OK, "", "agrees with"},
		"old responses of a cache":        {dated{age: time.Hour}, doctor.OK, "", "agrees with"},
		"some seconds behind":             {dated{ahead: all(30 * time.Second)}, doctor.Warning, doctor.CauseClock, "30s behind"},
		"behind":                          {dated{ahead: all(time.Hour)}, doctor.Fault, doctor.CauseClock, "behind"},
		"ahead":                           {dated{ahead: all(-time.Hour)}, doctor.Fault, doctor.CauseClock, "1h0m0s ahead"},
		"ahead, and slow":                 {dated{ahead: all(-time.Hour), there: 3 * time.Second, back: 3 * time.Second}, doctor.Fault, doctor.CauseClock, "ahead"},
		"only one service says something": {dated{ahead: map[string]time.Duration{"login.acme.example": time.Hour}}, doctor.Warning, doctor.CauseTheirClock, "login.acme.example is off"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(500 * time.Millisecond) // Date has whole seconds
				config := program(t, slow, accounts.Row{Token: &oauth2.Token{AccessToken: "access-token", RefreshToken: "refresh-token"}}, &c.network)
				report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
				require.NoError(t, err)
				s := step(report, "clock")[0]
				assert.Equal(t, c.outcome, s.Outcome, s.Detail)
				assert.Equal(t, c.cause, s.Cause)
				assert.Contains(t, s.Detail, c.detail)
			})
		})
	}
}
