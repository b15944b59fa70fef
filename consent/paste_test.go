package consent_test

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// Redirect URLs at which no browser can reach the program.
const (
	outOfBand  = "urn:ietf:wg:oauth:2.0:oob"
	privateUse = "com.example.app:/callback"
	codePage   = "https://provider.example/code"
)

// pasting runs a consent in which the person presses Allow, comes back with a
// callback, and pastes texts, one after the other has been refused.
func pasting(t *testing.T, connector, redirectURL string, texts func(callback *url.URL) []string, change ...func(*app)) (a *app, out string, err error) {
	t.Helper()
	a = newApp(t, authtest.Config{RedirectURLs: []string{outOfBand, privateUse, codePage}}, change...)
	flow, err := a.flow(nil, connector)
	require.NoError(t, err)
	in, paste := io.Pipe()
	defer in.Close()
	screen := new(terminal)
	open := func(authURL string) error {
		callback, err := a.provider.Authorize(authURL)
		if err != nil {
			paste.Close()
			return err
		}
		go func() {
			defer paste.Close()
			for i, text := range texts(callback) {
				for strings.Count(screen.String(), "This is not") < i {
					time.Sleep(10 * time.Millisecond)
				}
				fmt.Fprint(paste, text)
			}
		}()
		return errors.New("the browser is elsewhere")
	}
	err = consent.Loopback(t.Context(), flow, consent.LoopbackOptions{RedirectURL: redirectURL, Open: open, Out: screen, In: in})
	return a, screen.String(), err
}

func TestLoopbackTakesWhatAPersonPastes(t *testing.T) {
	address := func(u *url.URL) string { return u.String() }
	code := func(u *url.URL) string { return u.Query().Get("code") + u.Query().Get("oauth_verifier") }
	for name, test := range map[string]struct {
		connector, redirectURL string
		text                   func(callback *url.URL) string
	}{
		"address at a port":             {"oauth2", "", address},
		"address at a port, OAuth1":     {"oauth1", "", address},
		"address in a mail":             {"oauth2", "", func(u *url.URL) string { return "<" + strings.ReplaceAll(u.String(), "&", "&amp;\n ") + ">" }},
		"code, out of band":             {"oauth2", outOfBand, code},
		"code and line breaks":          {"oauth2", outOfBand, func(u *url.URL) string { return "\n " + code(u)[:4] + "\n" + code(u)[4:] + "\n" }},
		"address, out of band":          {"oauth2", outOfBand, address},
		"verifier, out of band, OAuth1": {"oauth1", "oob", code},
		"address with a private scheme": {"oauth2", privateUse, address},
		"code on a page":                {"oauth2", codePage, code},
		"code#state on a page":          {"oauth2", codePage, func(u *url.URL) string { return code(u) + "#" + u.Query().Get("state") }},
		"address of a page":             {"oauth2", codePage, address},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, out, err := pasting(t, test.connector, test.redirectURL, func(callback *url.URL) []string { return []string{test.text(callback) + "\n"} })
			require.NoError(t, err)
			require.NotContains(t, out, "This is not")
			require.Equal(t, 1, a.exchanges())
		})
	}
}

// The person can try again. Nothing is sent before the right text has come.
func TestLoopbackRefusesForeignAddresses(t *testing.T) {
	for name, test := range map[string]struct{ redirectURL, hint string }{
		"port": {"", "This is not the right address. The right address begins with http://127.0.0.1:"}, "private scheme": {privateUse, "This is not a code or an address of this sign-in."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, out, err := pasting(t, "oauth2", test.redirectURL, func(callback *url.URL) []string {
				other := *callback
				other.RawQuery = url.Values{"code": {"stranger's"}, "state": {"stranger's"}}.Encode()
				return []string{other.String() + "\n", "two words\n", "strangers-code#strangers-state\n", "\n" + callback.String() + "\n"}
			})
			require.NoError(t, err)
			require.Equal(t, 3, strings.Count(out, test.hint), out)
			require.Equal(t, 1, a.exchanges())
		})
	}
}

// At a port, a code without a state is not enough: the browser has the address.
// Without PKCE, a code without a state is never enough.
func TestLoopbackTakesACodeAloneOnlyWithPKCE(t *testing.T) {
	for name, test := range map[string]struct {
		redirectURL string
		change      func(*app)
	}{
		"port":         {"", func(*app) {}},
		"without PKCE": {codePage, func(a *app) { a.grant.DisablePKCE = true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, out, err := pasting(t, "oauth2", test.redirectURL, func(callback *url.URL) []string {
				return []string{callback.Query().Get("code") + "\n", callback.String() + "\n"}
			}, test.change)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(out, "This is not"), out)
			require.Equal(t, 1, a.exchanges())
		})
	}
	for _, redirectURL := range []string{outOfBand, privateUse} {
		_, _, err := pasting(t, "oauth2", redirectURL, nil, func(a *app) { a.grant.DisablePKCE = true })
		require.ErrorContains(t, err, "PKCE", "the consent does not begin")
	}
}

// Somebody talks the person into pasting a stranger's code. The provider refuses the
// code, because the code belongs to the challenge of another consent.
func TestPKCEProtectsAPastedCode(t *testing.T) {
	var strangers string
	a, _, err := pasting(t, "oauth2", outOfBand, func(*url.URL) []string { return []string{strangers + "\n"} }, func(a *app) {
		flow, err := a.flow(nil, "oauth2")
		require.NoError(t, err)
		authURL, _, err := flow.Begin(t.Context(), outOfBand)
		require.NoError(t, err)
		callback, err := a.provider.Authorize(authURL)
		require.NoError(t, err)
		strangers = callback.Query().Get("code")
	})
	var failed *consent.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, consent.ReasonRefused, failed.Reason)
	require.ErrorContains(t, err, "invalid_grant")
	require.Equal(t, 1, a.exchanges())
}

func TestLoopbackEndsWithItsInput(t *testing.T) {
	a, _, err := pasting(t, "oauth2", outOfBand, func(*url.URL) []string { return []string{"two words"} })
	var failed *consent.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, consent.ReasonInvalid, failed.Reason)
	require.ErrorContains(t, err, "LoopbackOptions.In has ended")
	require.Zero(t, a.exchanges())

	// The last line needs no line break.
	a, _, err = pasting(t, "oauth2", outOfBand, func(u *url.URL) []string { return []string{u.Query().Get("code")} })
	require.NoError(t, err)
	require.Equal(t, 1, a.exchanges())

	// At a port, the browser may still come.
	a, flow := program(t, "oauth2")
	open, wait := inBrowser(t, a.provider.Authorize, nil)
	require.NoError(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: io.Discard, In: strings.NewReader("hello\n")}))
	wait()
}
