package consent_test

import (
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// A person who has pasted an address without its end can paste the whole address.
// Nothing was sent, so the consent is still open.
func TestLoopbackTakesTheWholeAddressAfterAPart(t *testing.T) {
	for _, redirectURL := range []string{"", privateUse, codePage} {
		t.Run(redirectURL, func(t *testing.T) {
			t.Parallel()
			a, out, err := pasting(t, "oauth2", redirectURL, func(callback *url.URL) []string {
				part, repeated := *callback, *callback
				part.RawQuery = url.Values{"state": {callback.Query().Get("state")}}.Encode()
				repeated.RawQuery += "&code=another"
				return []string{part.String() + "\n", repeated.String() + "\n", callback.String() + "\n"}
			})
			require.NoError(t, err)
			require.Equal(t, 2, strings.Count(out, "This is not"), out)
			require.Equal(t, 1, a.exchanges())
		})
	}
	// Wrapped before an address in the query.
	a, _, err := pasting(t, "oauth2", privateUse, func(callback *url.URL) []string {
		code, state := callback.Query().Get("code"), callback.Query().Get("state")
		return []string{privateUse + "?code=" + code + "&from=\nhttps://provider.example/&state=" + state + "\n"}
	})
	require.NoError(t, err)
	require.Equal(t, 1, a.exchanges())
}

// The instructions ask for nothing that is refused afterwards.
func TestLoopbackAsksForWhatItTakes(t *testing.T) {
	const issuer = "https://issuer.example"
	withIssuer := func(a *app) { a.grant.Issuer = issuer }
	for name, test := range map[string]struct {
		redirectURL string
		change      func(*app)
		code        bool // alone
	}{
		"PKCE":                         {codePage, func(*app) {}, true},
		"out of band":                  {outOfBand, func(*app) {}, true},
		"no PKCE":                      {codePage, func(a *app) { a.grant.DisablePKCE = true }, false},
		"Issuer":                       {codePage, withIssuer, false},
		"Issuer and a private address": {privateUse, withIssuer, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, out, err := pasting(t, "oauth2", test.redirectURL, func(callback *url.URL) []string {
				code, address := callback.Query().Get("code"), callback.String()
				if test.code {
					return []string{code + "\n"}
				}
				if strings.HasPrefix(name, "Issuer") {
					address += "&iss=" + url.QueryEscape(issuer)
				}
				return []string{code + "\n", address + "\n"}
			}, test.change)
			require.NoError(t, err)
			require.Equal(t, test.code, strings.Contains(out, "copy the code, or the last address"), out)
			require.Equal(t, !test.code, strings.Contains(out, "A code alone is not enough"), out)
			require.Equal(t, !test.code, strings.Contains(out, "This is not"), out)
			require.Equal(t, 1, a.exchanges())
		})
	}
}

// A code that a provider shows has no iss, so the consent could never end well.
func TestLoopbackOutOfBandRefusesAnIssuer(t *testing.T) {
	for _, redirectURL := range []string{outOfBand, outOfBand + ":auto"} {
		a, _ := program(t, "oauth2")
		a.grant.Issuer = a.provider.URL
		flow, err := a.flow(nil, "oauth2")
		require.NoError(t, err)
		err = consent.Loopback(t.Context(), flow, consent.LoopbackOptions{RedirectURL: redirectURL, Out: io.Discard, In: strings.NewReader("")})
		require.ErrorContains(t, err, "LoopbackOptions.RedirectURL: ")
		require.ErrorContains(t, err, "Issuer")
	}
}
