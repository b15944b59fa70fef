package inject_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/inject"
)

// A character that XML cannot carry must not arrive as another one.
func TestXMLValues(t *testing.T) {
	for value, want := range map[string]string{
		"a\tb\nc\rd": "a&#x9;b&#xA;c&#xD;d", "\x7f": "&#x7F;", "~ <&>": "~ &lt;&amp;&gt;", "\ufffd": "&#xFFFD;",
		"\x00": "", "\x0b": "", "\x1f": "", "\ufffe": "", "\uffff": "", // refused
	} {
		f := newFields(t, []inject.Field{{Key: "k", Value: value}}, "")
		if want != "" {
			assert.Equal(t, "<r><k>"+want+"</k></r>", apply(t, f, xmlType, "<r/>"))
			continue
		}
		err := f.Apply(post(xmlType, []byte("<r/>")), inject.Room{})
		require.ErrorIs(t, err, inject.ErrNotInjectable, "%q", value)
		assert.ErrorContains(t, err, "a character that XML cannot carry")
	}
	f := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, "")
	for _, encoding := range []string{"utf16", "UTF-16BE", "utf-16le", "windows-1251", "ISO-8859-7"} {
		declaration := `<?xml version="1.0" encoding="` + encoding + `"?>`
		assert.Equal(t, declaration+"<r><k>v</k></r>", apply(t, f, xmlType, declaration+"<r/>"))
	}
}
