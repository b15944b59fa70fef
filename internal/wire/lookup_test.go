package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/wire"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLookupAndScalar(t *testing.T) {
	const document = `{"a": {"b": [{"c": "text"}, 123456789012345678901]}, "": {"": true}, "n": null, "01": "zero one"}`
	var v any
	decoder := json.NewDecoder(strings.NewReader(document))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&v))
	for path, want := range map[string]string{
		"a.b.0.c": "text", "a.b.1": "123456789012345678901", ".": "true", "01": "zero one",
		"a": "", "a.b": "", "a.b.2": "", "a.b.-1": "", "a.b.+1": "", "a.b.01": "", "a.b.x": "", "n": "", "n.x": "", "a.b.0.c.d": "", "z": "",
	} {
		assert.Equal(t, want, wire.Scalar(wire.Lookup(v, path)), path)
	}
	assert.Equal(t, "123456789012", wire.Scalar(123456789012.0))
	assert.Equal(t, "0.5", wire.Scalar(0.5))
	assert.Equal(t, "7", wire.Scalar(int64(7)))
	assert.Equal(t, "false", wire.Scalar(false))
}
