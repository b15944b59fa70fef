package consent_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// unsafeText is what nobody should see on a terminal or in a log.
const unsafeText = "<script>\r\nX-Header: 1\x1b[31m\u202e\x00"

// A provider refuses and leaves out the state. The page says so, and nothing is
// trusted: the consent under way can still be finished.
func TestRefusalWithoutAStateEndsNoConsent(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		callback := a.allow(b, "connector="+connector)
		for query, want := range map[string]struct {
			status int
			reason consent.Reason
			title  string
		}{
			"error=access_denied&error_description=no":     {403, consent.ReasonDenied, "Access was not allowed"},
			"oauth_problem=user_refused":                   {403, consent.ReasonDenied, "Access was not allowed"},
			"oauth_problem=permission_denied&oauth_token=": {403, consent.ReasonDenied, "Access was not allowed"},
			"error=access_denied&state=&code=c":            {403, consent.ReasonDenied, "Access was not allowed"},
			"error=server_error":                           {502, consent.ReasonProvider, "The service is not available"},
			"error=temporarily_unavailable":                {502, consent.ReasonProvider, "The service is not available"},
			"error=invalid_scope":                          {502, consent.ReasonRefused, "The service refused the connection"},
			"error=" + url.QueryEscape(unsafeText):         {502, consent.ReasonRefused, "The service refused the connection"},
			"error=access_denied&error=server_error":       {400, consent.ReasonInvalid, "This request is not valid"},
			"error=&code=c":                                {400, consent.ReasonInvalid, "This request is not valid"},
			"error=access_denied&state=a&state=b":          {400, consent.ReasonInvalid, "This request is not valid"},
			"error=access_denied&state=of+another+consent": {403, consent.ReasonUnknown, "There is no connection to complete"},
		} {
			refused := *callback
			refused.RawQuery = query
			got := b.get(refused.String())
			require.Equal(t, want.status, got.StatusCode, query)
			require.Contains(t, got.body, want.title, query)
			require.NotContains(t, got.body, "<script>\r")
			require.Empty(t, got.Cookies(), "the cookie stays")
			a.requireFailed(want.reason)
			require.Empty(t, a.last().Connector, query)
			require.NotRegexp(t, `[\x00-\x1f\x7f\x{202e}]`, a.last().Err.Error())
		}
		require.Zero(t, a.exchanges())
		require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)
	})
}

func TestRefusalWithoutAStateEndsLoopback(t *testing.T) {
	for query, want := range map[string]struct {
		reason consent.Reason
		text   string
	}{
		"error=access_denied&error_description=not+today":                          {consent.ReasonDenied, "access_denied (not today)"},
		"error=invalid_scope&error_description=" + url.QueryEscape(unsafeText+"x"): {consent.ReasonRefused, "invalid_scope (<script>  X-Header: 1 [31m  x)"},
		"oauth_problem=user_refused":                                               {consent.ReasonDenied, "user_refused"},
	} {
		a, flow := program(t, "oauth2")
		out := new(terminal)
		open, wait := inBrowser(t, a.provider.Authorize, func(callback *url.URL) { callback.RawQuery = query })
		err := consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: out})
		var failed *consent.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, want.reason, failed.Reason)
		require.ErrorContains(t, err, "a callback without a state says: "+want.text)
		require.Contains(t, out.String(), "The sign-in has ended: a callback without a state says: "+want.text+"\n")
		require.NotRegexp(t, `[\x00-\x09\x0b-\x1f\x7f\x{202e}]`, out.String())
		_, body := wait()
		require.Contains(t, body, `data-outcome="`+string(want.reason)+`"`)
		require.Zero(t, a.exchanges())
	}
}

// What a page loads in the background does not end the consent of a person who is
// still at the provider.
func TestRefusalInTheBackgroundEndsNothing(t *testing.T) {
	a, flow := program(t, "oauth2")
	out := new(terminal)
	open, wait := inBrowser(t, a.provider.Authorize, func(callback *url.URL) {
		for _, header := range []http.Header{
			{"Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"image"}}, {"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}},
			{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"iframe"}},
		} {
			r, err := http.NewRequest("GET", "http://"+callback.Host+"/callback?error=access_denied", nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header = header
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("status %d", resp.StatusCode)
			}
		}
	})
	require.NoError(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: out}))
	wait()
	require.NotContains(t, out.String(), "access_denied")
	require.Equal(t, 1, a.exchanges())
}

func TestRefusalThatIsPastedEndsTheConsent(t *testing.T) {
	for _, redirectURL := range []string{"", privateUse} {
		a, out, err := pasting(t, "oauth2", redirectURL, func(callback *url.URL) []string {
			callback.RawQuery = "error=access_denied"
			return []string{callback.String() + "\n"}
		})
		var failed *consent.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, consent.ReasonDenied, failed.Reason)
		require.Contains(t, out, "access_denied")
		require.Zero(t, a.exchanges())
	}
}

// The provider's own refusal has the state, and its error is a TokenError as ever.
func TestRefusalWithAStateIsTold(t *testing.T) {
	a, flow := program(t, "oauth2")
	out := new(terminal)
	open, wait := inBrowser(t, a.provider.Deny, nil)
	err := consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: out})
	require.ErrorContains(t, err, "access_denied")
	require.NotContains(t, out.String(), "without a state")
	wait()
}
