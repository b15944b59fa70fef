package pages_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Without Failed, the reason of a page that tells nothing is in the program's log.
func TestErrorsAreLoggedWithoutFailed(t *testing.T) {
	var log bytes.Buffer
	former := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(former)
	a := newApp(t, func(a *app) {
		a.config.Failed = nil
		a.config.Owner = func(*http.Request) (string, error) { return "", errors.New("the table of sessions is gone") }
	})
	page := a.browser("o1").get("")
	assert.Equal(t, http.StatusInternalServerError, page.StatusCode)
	a.server.Close() // no handler writes to the log any more
	assert.Contains(t, log.String(), `level=ERROR msg="accounts/pages: a request has failed" path=/my/accounts/ error="the table of sessions is gone"`)
}
