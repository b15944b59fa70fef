package cli_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/cli"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
)

// A renewal goes on when its caller gives up. A process that ended meanwhile would lose the new
// refresh token, so a command ends after the renewals that it has begun.
func TestACommandEndsAfterTheRenewalsThatItHasBegun(t *testing.T) {
	for _, args := range [][]string{{"call", "globex", "GET", "/me"}, {"test", "globex"}} {
		t.Run(args[0], func(t *testing.T) {
			w := newWorld(t)
			w.consent()
			w.p.ExpireAccessTokens()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			w.p.Inject(w.p.TokenURL, 1, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					interrupt()
					time.Sleep(200 * time.Millisecond) // the command could be gone by then
					next.ServeHTTP(rw, r)
				})
			})
			app := &cli.App{Screen: show.Screen{Out: io.Discard, Err: io.Discard}, In: strings.NewReader("")}
			app.Run(ctx, append(args, "--home", w.home))
			assert.Equal(t, 1, w.p.Stats().Issued["refresh_token"], "the renewal has ended before the command")
			w.ok("", "call", "globex", "GET", "/me")
			assert.Zero(t, w.p.Stats().ReuseDetected)
		})
	}
}

// The index knows what a command has learned of an account, even if the command ends at once.
func TestListKnowsWhatTheLastCallHasLearned(t *testing.T) {
	w := newWorld(t)
	w.consent()
	w.p.RevokeGrants()
	code, _, err := w.run("", "call", "globex", "GET", "/me")
	assert.Equal(t, exit.Reauth, code, err)
	assert.Contains(t, w.ok("", "list"), "reauth_required")
}
