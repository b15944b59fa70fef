package wire_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// encode applies the content codings to text in turn. raw is deflate without the
// header of zlib.
func encode(text string, codings ...string) string {
	for _, coding := range codings {
		var b bytes.Buffer
		var w io.WriteCloser
		switch coding {
		case "gzip":
			w = gzip.NewWriter(&b)
		case "deflate":
			w = zlib.NewWriter(&b)
		case "raw":
			w, _ = flate.NewWriter(&b, flate.BestSpeed)
		}
		io.WriteString(w, text)
		w.Close()
		text = b.String()
	}
	return text
}

func labelled(codings ...string) http.Header { return http.Header{"Content-Encoding": codings} }

func TestDecode(t *testing.T) {
	const text = `{"access_token":"a"}`
	for name, test := range map[string]struct {
		body string
		head http.Header
	}{
		"plain":                     {text, nil},
		"identity":                  {text, labelled("identity")},
		"a charset as the label":    {text, labelled("UTF-8")},
		"none":                      {text, labelled("none")},
		"gzip and a charset":        {encode(text, "gzip"), labelled("gzip, utf-8")},
		"an empty label":            {text, labelled("")},
		"gzip":                      {encode(text, "gzip"), labelled("gzip")},
		"x-gzip, in capitals":       {encode(text, "gzip"), labelled("X-GZIP")},
		"gzip without a label":      {encode(text, "gzip"), nil},
		"gzip by the wrong label":   {encode(text, "gzip"), labelled("identity")},
		"a wrong label":             {text, labelled("gzip")},
		"zlib":                      {encode(text, "deflate"), labelled("deflate")},
		"deflate":                   {encode(text, "raw"), labelled("deflate")},
		"two in one header":         {encode(text, "deflate", "gzip"), labelled("deflate , gzip")},
		"two headers":               {encode(text, "gzip", "deflate"), labelled("gzip", "deflate")},
		"one was undone on the way": {encode(text, "gzip"), labelled("gzip, gzip")},
		"members of gzip":           {encode(text[:5], "gzip") + encode(text[5:], "gzip"), labelled("gzip")},
	} {
		got, err := wire.Decode([]byte(test.body), test.head, 100)
		require.NoError(t, err, name)
		assert.Equal(t, text, string(got), name)
	}
	for _, head := range []http.Header{nil, labelled("gzip"), labelled("deflate"), labelled("deflate, gzip")} {
		got, err := wire.Decode(nil, head, 100)
		require.NoError(t, err)
		assert.Empty(t, got)
	}
}

func TestDecodeOfWhatIsDamagedOrUnknown(t *testing.T) {
	text := strings.Repeat("words and numbers 0123456789\n", 50)
	zipped := encode(text, "gzip")
	for name, test := range map[string]struct {
		body string
		head http.Header
	}{
		"brotli":          {"\x0b\x02\x80", labelled("br")},
		"brotli inside":   {zipped, labelled("br, gzip")},
		"too many":        {zipped, labelled(strings.Repeat("gzip,", 5))},
		"cut off":         {zipped[:len(zipped)-9], labelled("gzip")},
		"cut off, no sum": {zipped[:len(zipped)-4], nil},
		"wrong sum":       {zipped[:len(zipped)-8] + "01234567", labelled("gzip")},
		"only a head":     {zipped[:3], labelled("gzip")},
		"not deflate":     {text, labelled("deflate")},
		"followed by text": {
			zipped + text, labelled("gzip"),
		},
	} {
		got, err := wire.Decode([]byte(test.body), test.head, 10_000)
		require.ErrorIs(t, err, wire.ErrCoding, name)
		assert.True(t, strings.HasPrefix(text, string(got)), "%s: %q", name, got)
	}
	got, err := wire.Decode([]byte(zipped[:len(zipped)-9]), labelled("gzip"), 10_000)
	require.Error(t, err)
	assert.NotEmpty(t, got, "what arrived before the end")
}

// A bomb in a bomb is no better than a bomb.
func TestDecodeIsBounded(t *testing.T) {
	for _, layers := range [][]string{{"gzip"}, {"gzip", "gzip"}, {"deflate"}, {"raw"}, {"gzip", "gzip", "gzip", "gzip"}} {
		bomb := []byte(encode(strings.Repeat(" ", 4<<20), layers...))
		head := labelled(strings.ReplaceAll(strings.Join(layers, ","), "raw", "deflate"))
		got, err := wire.Decode(bomb, head, 1<<10)
		assert.LessOrEqual(t, len(got), 1<<10)
		if len(layers) == 1 {
			require.NoError(t, err)
			assert.Len(t, got, 1<<10)
		}
	}
	got, err := wire.Decode([]byte("plain"), nil, 3)
	require.NoError(t, err)
	assert.Equal(t, "pla", string(got))
}

func TestText(t *testing.T) {
	const text = `{"name":"Zoë 🔑"}`
	in16 := func(order binary.AppendByteOrder) (b []byte) {
		for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
			b = order.AppendUint16(b, unit)
		}
		return b
	}
	for name, body := range map[string]string{
		"plain": text, "UTF-8": "\ufeff" + text, "UTF-16 LE": string(in16(binary.LittleEndian)), "UTF-16 BE": string(in16(binary.BigEndian)),
		"half a character": string(in16(binary.LittleEndian)) + "x",
	} {
		assert.Equal(t, text, string(wire.Text([]byte(body))), name)
	}
	for body, want := range map[string]string{"": "", "\ufeff": "", "\xff\xfe": "", "\xfe\xff": "", "\xff\xfex": "", "\xff": "\xff", "\xff\xfe\x00\xd8": "\ufffd"} {
		assert.Equal(t, want, string(wire.Text([]byte(body))), "%q", body)
	}
}

func TestPeekTextLeavesTheBodyAsItIs(t *testing.T) {
	const text = "some text"
	for _, test := range []struct {
		head  http.Header
		body  string
		want  string
		limit int
	}{
		{nil, text, text, 100},
		{nil, text, text[:4], 4},
		{labelled("gzip"), encode("\ufeff"+text, "gzip"), text, 100},
		{labelled("deflate"), encode(text, "deflate"), text, 100},
	} {
		resp := &http.Response{Header: test.head, Body: io.NopCloser(iotest.OneByteReader(strings.NewReader(test.body)))}
		assert.Equal(t, test.want, string(wire.PeekText(resp, test.limit, time.Hour)))
		whole, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, test.body, string(whole))
		assert.Equal(t, test.head, resp.Header)
	}
	unread := io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
	resp := &http.Response{Header: labelled("br"), Body: unread}
	assert.Empty(t, wire.PeekText(resp, 100, time.Hour))
	assert.Equal(t, unread, resp.Body, "not even touched")
}

func TestPeekTextOfWhatHasArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := strings.Repeat("words and numbers 0123456789\n", 50)
		zipped := encode(text, "gzip")
		body, server := openBody()
		go io.WriteString(server, zipped[:len(zipped)-10])
		resp := &http.Response{Header: labelled("gzip"), Body: body}
		began := time.Now()
		got := wire.PeekText(resp, 10_000, time.Second)
		assert.Equal(t, time.Second, time.Since(began))
		assert.NotEmpty(t, got)
		assert.True(t, strings.HasPrefix(text, string(got)))
		resp.Body.Close()
	})
}

// Whatever arrives, what is decoded is bounded, and a text survives each coding.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{"", "text", "\ufeff{}", "\xff\xfea\x00", strings.Repeat("a", 5000)} {
		for _, coding := range []string{"", "gzip", "deflate", "gzip, deflate", "br", "x-gzip,,identity"} {
			f.Add([]byte(text), coding)
			f.Add([]byte(encode(text, "gzip")), coding)
			f.Add([]byte(encode(text, "deflate")), coding)
			f.Add([]byte(encode(text, "raw", "gzip")), coding)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, coding string) {
		before := bytes.Clone(body)
		got, err := wire.Decode(body, labelled(coding), 4<<10)
		require.LessOrEqual(t, len(got), 4<<10)
		require.Equal(t, before, body, "not modified")
		if err != nil {
			require.ErrorIs(t, err, wire.ErrCoding)
		}
		wire.Text(got)
		if len(body) > 4<<10 {
			return
		}
		for _, coding := range []string{"gzip", "deflate"} {
			again, err := wire.Decode([]byte(encode(string(body), coding)), labelled(coding), 4<<10)
			require.NoError(t, err)
			require.True(t, bytes.Equal(body, again))
		}
	})
}
