package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// asking defines a service with a key, whose API calls act once, at the first request.
func (w *world) asking(name string, act func()) {
	once := new(sync.Once)
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		once.Do(act)
		fmt.Fprint(rw, `{"user": "ada"}`)
	}))
	w.t.Cleanup(api.Close)
	w.define(name, api.URL, `"inputs": [{"name": "apiKey", "secret": true}], "methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}"}]`)
}

// A command that meets another command says what has become of the account, and what to do.
func TestWhatOtherCommandsDoMeanwhileIsSaid(t *testing.T) {
	w := newWorld(t)
	var code exit.Code
	var text string
	w.asking("hooli", func() { code, _, text = w.run("", "call", "hooli-1", "GET", "/me") })
	w.ok(values("apiKey", "k"), "connect", "hooli", "--values", "-")
	assert.Equal(t, exit.Reauth, code)
	assert.Contains(t, text, "the account is not connected so far")
	assert.Contains(t, text, "or the first test has not ended; run connectorauth connect --again hooli-1")

	// "test" asks the API while another command disconnects the account
	w.asking("initrode", func() {})
	w.ok(values("apiKey", "k"), "connect", "initrode", "--values", "-")
	w.remove("initrode")
	w.asking("initrode", func() { w.ok("", "disconnect", "initrode-1") })
	code, out, text := w.run("", "test", "initrode-1")
	assert.Equal(t, exit.Failed, code)
	assert.Empty(t, out, "no status of an account that is gone")
	assert.Contains(t, text, "the account initrode-1 has just been disconnected")
}
