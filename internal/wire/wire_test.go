package wire_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/wire"
)

func TestIsToken(t *testing.T) {
	// The tchar rule of RFC 9110 section 5.6.2.
	const tchars = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for c := range 256 {
		want := strings.IndexByte(tchars, byte(c)) >= 0
		assert.Equal(t, want, wire.IsToken(string([]byte{'X', byte(c)})), "%q", byte(c))
	}
	assert.True(t, wire.IsToken("X-Api-Key"))
	assert.False(t, wire.IsToken(""))
	assert.False(t, wire.IsToken("é"))
}

func TestHasControl(t *testing.T) {
	for _, s := range []string{"\x00", "a\n", "\ta", "a\rb", "\x1f", "\x7f"} {
		assert.True(t, wire.HasControl(s), "%q", s)
	}
	for _, s := range []string{"", " a~", "é", "\u0085", "\xff"} {
		assert.False(t, wire.HasControl(s), "%q", s)
	}
}

func TestValidCookie(t *testing.T) {
	for _, valid := range [][2]string{{"sid", ""}, {"__Host-s.id", "abc123+/=!#$%&'()*-.:<>?@[]^_`{|}~"},
		{"sid", `"abc123"`}, {"sid", `""`}} {
		assert.True(t, wire.ValidCookie(valid[0], valid[1]), "%q", valid)
	}
	for _, invalid := range [][2]string{{"", "v"}, {"s id", "v"}, {"s=d", "v"}, {"s;d", "v"}, {"sé", "v"}, {"s\n", "v"},
		{"sid", "a b"}, {"sid", "a;b"}, {"sid", "a,b"}, {"sid", `"`}, {"sid", `"a`}, {"sid", `a"`}, {"sid", `a"b"`}, {"sid", `"a"b"`}, {"sid", `"a b"`}, {"sid", `"a;b"`}, {"sid", `""a""`}, {"sid", `a\b`}, {"sid", "a\r\nb"}, {"sid", "\x00"}, {"sid", "\x7f"}, {"sid", "é"}} {
		assert.False(t, wire.ValidCookie(invalid[0], invalid[1]), "%q", invalid)
	}
}

func TestIsForm(t *testing.T) {
	for contentType, want := range map[string]bool{
		"application/x-www-form-urlencoded":                true,
		"application/x-www-form-urlencoded; charset=UTF-8": true,
		"application/x-www-form-urlencoded;charset=utf-8":  true,
		" Application/X-WWW-Form-URLEncoded ; a=b":         true,
		"application/x-www-form-urlencoded-not":            false,
		"multipart/form-data; boundary=x":                  false,
		"application/json":                                 false,
		"text/plain; application/x-www-form-urlencoded":    false,
		"": false,
	} {
		assert.Equal(t, want, wire.IsForm(contentType), contentType)
	}
	assert.Equal(t, "application/soap+xml", wire.MediaType("application/SOAP+xml ;charset=utf-8"))
}

func TestSetQueryLeavesTheSharedURLAlone(t *testing.T) {
	original, err := http.NewRequest("GET", "https://u:p@h/a%2Fb?x=1#f", nil)
	require.NoError(t, err)
	changed := *original
	wire.SetQuery(&changed, "y=2")
	assert.Equal(t, "https://u:p@h/a%2Fb?x=1#f", original.URL.String())
	assert.Equal(t, "https://u:p@h/a%2Fb?y=2#f", changed.URL.String())
}
