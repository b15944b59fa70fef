package cli_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// The time until which a code serves reads as the times of the other commands: 24 hours.
func TestTheEndOfADeviceCodeHasTwentyFourHours(t *testing.T) {
	w := newWorld(t)
	deny := func(code string) { require.NoError(t, w.p.DenyDevice(code)) }
	code, _, err := w.consenting(`type the code (\S+)\.$`, deny, w.client(), "connect", "initech", "--values", "-")
	assert.Equal(t, exit.Failed, code)
	assert.Regexp(t, regexp.MustCompile(`(?m)^Waiting until ([01]\d|2[0-3]):[0-5]\d \.\.\.$`), err)
	assert.Contains(t, err, "connectorauth: the account owner did not allow access (access_denied)")
	assert.NotRegexp(t, `initech-1/\d`, err)
}

func TestADeniedConsentSaysSo(t *testing.T) {
	w := newWorld(t)
	deny := func(authURL string) {
		callback, err := w.p.Deny(authURL)
		require.NoError(t, err)
		w.get(callback.String())
	}
	_, _, err := w.consenting(`(http://127\S+/\S+\?\S+)`, deny, w.client(), "connect", "globex", "--values", "-", "--no-browser")
	lines := strings.Split(strings.TrimSpace(err), "\n")
	assert.True(t, strings.HasPrefix(lines[len(lines)-1], "connectorauth: the account owner did not allow access (access_denied)"), err)
}

// What fails after the consent is told on the page and in the terminal as what failed: the test,
// or the client, and not the store.
func TestAFailureAfterAConsentSaysWhatFailed(t *testing.T) {
	w := newWorld(t)
	for name, row := range map[string]struct {
		prepare    func()
		in         string
		page, says string
	}{
		"rights":                 {func() { w.p.Inject(w.p.BearerURL, 1, authtest.Answer(403, nil, "")) }, w.client(), "cannot be used", "connectorauth: globex: the service does not allow the credential what the test does (status 403)"},
		"the client":             {func() {}, values("client_id", w.p.ClientID, "client_secret", "wrong"), "refused the connection", "; check the client ID and the client secret\n"},
		"a service that is down": {func() { w.p.Inject(w.p.BearerURL, authtest.Always, authtest.Answer(503, nil, "")) }, w.client(), "is not available", "connectorauth: globex: the service does not respond"},
	} {
		t.Run(name, func(t *testing.T) {
			defer w.p.ClearFaults()
			row.prepare()
			page := ""
			allow := func(authURL string) {
				callback, err := w.p.Authorize(authURL)
				require.NoError(t, err)
				resp, err := http.Get(callback.String())
				require.NoError(t, err)
				defer resp.Body.Close()
				text, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				page = string(text)
			}
			code, _, err := w.consenting(`(http://127\S+/\S+\?\S+)`, allow, row.in, "connect", "globex", "--values", "-", "--no-browser")
			assert.Equal(t, exit.Failed, code)
			assert.Contains(t, err, row.says)
			assert.NotContains(t, err, "consent: ")
			assert.Contains(t, page, row.page)
			assert.NotContains(t, page, "could not be saved")
		})
	}
}
