package replay_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/catalog/internal/replay"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The media types of bodies.
const (
	form = "application/x-www-form-urlencoded"
	text = "application/json"
)

// A message is a request to a server of the replay.
type message struct {
	verb, address string
	media, body   string // "" means none
	change        func(r *http.Request)
}

// send sends a message, and returns the status and the members of the response.
func send(t *testing.T, server *replay.Server, m message) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), m.verb, m.address, strings.NewReader(m.body))
	require.NoError(t, err)
	if m.media != "" {
		r.Header.Set("Content-Type", m.media)
	}
	if m.change != nil {
		m.change(r)
	}
	resp, err := server.RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	var members map[string]any
	if resp.Header.Get("Content-Type") == text {
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&members))
	}
	return resp.StatusCode, members
}

// with returns a change that sets headers; a value "" removes.
func with(pairs ...string) func(r *http.Request) {
	return func(r *http.Request) {
		for pair := range slices.Chunk(pairs, 2) {
			if r.Header.Set(pair[0], pair[1]); pair[1] == "" {
				r.Header.Del(pair[0])
			}
		}
	}
}

// more returns a change that adds one more header.
func more(name, value string) func(r *http.Request) {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

// only compares the complaints. Each that is wanted ends with the path of a fact.
func only(t *testing.T, server *replay.Server, name string, want ...string) {
	t.Helper()
	var got []string
	for _, complaint := range server.Complaints() {
		got = append(got, strings.Replace(complaint, "; change the definition, or x-sources.", "; ", 1))
	}
	assert.ElementsMatch(t, want, got, name)
}

// said is a fact.
func said(value string) *facts.Fact { return &facts.Fact{Value: value} }

// serve returns a server of one method at https://api.example.com.
func serve(m facts.Method) *replay.Server {
	source := &facts.Source{Base: *said("https://api.example.com"), Methods: map[string]facts.Method{"m": m}}
	return replay.New(source, "m", map[string]string{"username": "ann", "password": "open", "site": "eu", "key": "k1"})
}
