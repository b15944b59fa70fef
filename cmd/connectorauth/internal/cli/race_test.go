package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

func TestOneOfManyConnectsGetsAName(t *testing.T) {
	w := newWorld(t)
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(rw, `{"user": %q}`, r.Header.Get("Authorization"))
	}))
	t.Cleanup(api.Close)
	w.define("tagged", api.URL, `"inputs": [{"name": "tag", "hidden": true}, {"name": "apiKey", "secret": true}],
		"methods": [{"name": "key", "type": "ApiKey", "key": "{tag}.{apiKey}"}]`)
	answers := func(i int) string { return values("tag", fmt.Sprintf("tag%d", i), "apiKey", fmt.Sprintf("key%d", i)) }
	// what the API gets of the account
	sent := func(id string) (got struct{ User string }) {
		var document struct{ Body *struct{ User string } }
		document.Body = &got
		w.read(&document, "call", id, "GET", "/me")
		return got
	}

	codes := make([]exit.Code, 8)
	var all sync.WaitGroup
	for i := range codes {
		all.Go(func() { codes[i], _, _ = w.run(answers(i), "connect", "tagged", "--name", "work", "--values", "-") })
	}
	all.Wait()
	winner := -1
	for i, code := range codes {
		if code == exit.OK {
			require.Equal(t, -1, winner, "two have connected the account")
			winner = i
		} else {
			assert.Equal(t, exit.Usage, code)
		}
	}
	require.NotEqual(t, -1, winner, "nobody has connected the account")
	assert.Equal(t, fmt.Sprintf("tag%d.key%[1]d", winner), sent("work").User)

	for i := range codes {
		all.Go(func() { codes[i], _, _ = w.run(answers(i+10), "connect", "tagged", "--values", "-") })
	}
	all.Wait()
	seen := map[string]bool{}
	for i, code := range codes {
		require.Equal(t, exit.OK, code)
		var tag, key int
		got := sent(fmt.Sprintf("tagged-%d", i+1)).User
		_, err := fmt.Sscanf(got, "tag%d.key%d", &tag, &key)
		require.NoError(t, err, got)
		assert.Equal(t, tag, key, "the program of one connect is with the key of another")
		seen[got] = true
	}
	assert.Len(t, seen, len(codes))
}
