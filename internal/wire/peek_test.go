package wire_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/internal/wire"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

type closing struct {
	io.Reader
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

func TestPeekPutsBackWhatItRead(t *testing.T) {
	for limit, want := range map[int64]string{0: "", 3: "abc", 6: "abcdef", 7: "abcdef"} {
		body := &closing{Reader: iotest.OneByteReader(strings.NewReader("abcdef"))}
		resp := &http.Response{Body: body}
		head, err := wire.Peek(resp, limit)
		require.NoError(t, err)
		assert.Equal(t, want, string(head))
		again, err := wire.Peek(resp, 4)
		require.NoError(t, err)
		assert.Equal(t, "abcd", string(again))
		whole, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "abcdef", string(whole))
		assert.Zero(t, body.closed)
		resp.Body.Close()
		assert.Equal(t, 1, body.closed)
	}
}

func TestPeekRepeatsTheErrorOfReading(t *testing.T) {
	broken := errors.New("broken")
	resp := &http.Response{Body: io.NopCloser(io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(broken)))}
	head, err := wire.Peek(resp, 10)
	assert.ErrorIs(t, err, broken)
	assert.Equal(t, "ab", string(head))
	whole, err := io.ReadAll(resp.Body)
	assert.ErrorIs(t, err, broken)
	assert.Equal(t, "ab", string(whole))
}

func TestLookup(t *testing.T) {
	var v any
	require.NoError(t, json.Unmarshal([]byte(`{"a":{"b":[{"c":"found"},[7]],"":"empty","null":null},"a.b":1}`), &v))
	for path, want := range map[string]any{
		"a.b.0.c":    "found",
		"a.b.1.0":    7.0,
		"a.":         "empty",
		"a.null":     nil,
		"a.null.x":   nil,
		"a.b.2":      nil,
		"a.b.-1":     nil,
		"a.b.c":      nil,
		"a.b.0.c.d":  nil,
		"b":          nil,
		"":           nil,
		"a.b.1.0.00": nil,
	} {
		assert.Equal(t, want, wire.Lookup(v, path), path)
	}
	assert.Equal(t, v, wire.Lookup(map[string]any{"": v}, ""))
	assert.Nil(t, wire.Lookup(nil, "a"))
}
