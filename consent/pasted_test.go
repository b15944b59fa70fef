package consent

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// firstWith returns the first callback in text that has this state.
func firstWith(text, state string) url.Values {
	for _, callback := range callbacksIn(text) {
		if ref, err := reference(callback); err == nil && ref == state {
			return callback
		}
	}
	return nil
}

func TestPastedAddresses(t *testing.T) {
	const address = "http://127.0.0.1:8085/oauth2/callback?code=4%2F0Ax-y_z%3D%3D&scope=a+b%26c&iss=https%3A%2F%2Fprovider.example%2Fx&state=S-1"
	const query = "code=4%2F0Ax-y_z%3D%3D&scope=a+b%26c&iss=https%3A%2F%2Fprovider.example%2Fx&state=S-1"
	want := url.Values{"code": {"4/0Ax-y_z=="}, "scope": {"a b&c"}, "iss": {"https://provider.example/x"}, "state": {"S-1"}}
	html := strings.ReplaceAll(address, "&", "&amp;")
	for name, text := range map[string]string{
		"as it is":                   address,
		"spaces around":              "  \t" + address + " \r\n",
		"&amp;":                      html,
		"&amp;amp;":                  strings.ReplaceAll(html, "&amp;", "&amp;amp;"),
		"&#38; and &#x26;":           strings.Replace(strings.ReplaceAll(address, "&", "&#38;"), "&#38;", "&#x26;", 1),
		"quotes":                     `"` + address + `"`,
		"single quotes":              `'` + address + `'`,
		"backquotes":                 "`" + address + "`",
		"other quotes":               "„" + address + "“",
		"angle brackets":             "<" + address + ">",
		"brackets":                   "(" + address + ")",
		"HTML":                       `<a href="` + html + `">click here</a>`,
		"Markdown":                   "[link](" + address + ")",
		"words before":               "The address is " + address,
		"words before, in lines":     "Hello,\nhere it comes:\n\n" + address,
		"words behind, in the line":  address + " thanks",
		"words behind":               address + "\nThank you",
		"another address before":     "http://127.0.0.1:1/callback?code=x&state=old\n" + address,
		"another address behind":     address + "\nhttp://127.0.0.1:1/callback?code=x&state=old",
		"wrapped":                    address[:30] + "\n" + address[30:60] + "\r\n  " + address[60:],
		"wrapped at every character": strings.Join(strings.Split(address, ""), "\n"),
		"wrapped as a quoted mail":   "<" + address[:70] + "\n" + address[70:] + ">",
		"spaces in the middle":       address[:50] + " " + address[50:70] + "\u00a0\u200b" + address[70:],
		"query":                      query,
		"query with ?":               "?" + query,
		"without ?":                  strings.Replace(address, "?", "", 1),
		"& in place of ?":            strings.Replace(address, "?", "&", 1),
		"path and query":             "/oauth2/callback?" + query,
		"without http://":            strings.TrimPrefix(address, "http://"),
		"private-use scheme":         "com.example.app:/callback?" + query,
		"percent-encoded":            url.QueryEscape(address),
		"percent-encoded twice":      url.QueryEscape(url.QueryEscape(address)),
		"percent-encoded, wrapped":   url.QueryEscape(address)[:40] + "\n" + url.QueryEscape(address)[40:],
		"percent-encoded HTML":       url.QueryEscape(html),
		"fragment of Facebook":       address + "#_=_",
		"response in the fragment":   strings.Replace(address, "?", "#", 1),
		"another state in its name":  "session_state=x&" + query,
		"marks of a bracketed paste": "\x1b[200~" + address + "\x1b[201~",
		"byte order mark":            "\ufeff" + address,
		"quoted and wrapped, behind": "Hello,\n<" + address[:70] + "\n" + address[70:] + ">",
		"another before, wrapped":    "http://127.0.0.1:1/callback?code=x&state=old\n" + address[:70] + "\n" + address[70:],
		"percent-encoded brackets":   url.QueryEscape("<" + address + ">"),
		"percent-encoded line break": url.QueryEscape(address[:40] + "\n" + address[40:]),
		"HTML without quotes":        `<a href=` + html + `>click</a>`,
		"before a tag":               address + "<br>thanks",
		"backquotes in a sentence":   "It is `" + address + "`, thanks",
		"GET":                        "GET " + strings.TrimPrefix(address, "http://127.0.0.1:8085") + " HTTP/1.1",
	} {
		t.Run(name, func(t *testing.T) {
			got := firstWith(text, "S-1")
			require.NotNil(t, got)
			for parameter := range want {
				require.Equal(t, want[parameter], got[parameter], parameter)
			}
		})
	}
	require.Equal(t, url.Values{"code": {"abc=="}, "state": {"S-1"}}, firstWith(" \"abc==#S-1\"\n", "S-1"))
	require.Equal(t, url.Values{"code": {"abc"}, "state": {"S-1"}}, firstWith("ab\nc#S\n-1", "S-1"))
	require.Equal(t, []string{"new"}, firstWith(strings.Replace(address, "code=", "code=old", 1)+"\n"+"http://127.0.0.1/?code=new&state=S-1", "S-1")["code"], "the last one comes first")
	require.Equal(t, []string{"new"}, firstWith("?code=old&state=S-1 ?code=new&state=S-1", "S-1")["code"], "the last one comes first")
	require.Empty(t, callbacksIn(" \n "))
}

func TestPastedCodes(t *testing.T) {
	for text, want := range map[string]string{
		"4/0Ax-y_z":      "4/0Ax-y_z",
		" \n 4/0Ax \n\n": "4/0Ax",
		`"4/0Ax"`:        "4/0Ax",
		"<4/0Ax>":        "4/0Ax",
		"4/0\nAx\r\nyz":  "4/0Axyz",
		"4%2F0Ax":        "4/0Ax",
		"abc==":          "abc==",
		"1234567":        "1234567",
		"two words":      "", "line\ntwo words": "", "": "", "\n": "", "code=abc": "", "abc#state": "", "a&b": "", "a=b": "",
		"http://127.0.0.1/": "", "com.example.app:/callback": "", "ä": "", "a%0Ab": "", "a%20b": "", "a?b": "", "a<b": "", "a>b": "", `a"b`: "",
	} {
		require.Equal(t, want, codeIn(text), "%q", text)
	}
}

func FuzzPasted(f *testing.F) {
	for _, text := range []string{"http://127.0.0.1:1/callback?code=c&state=s", "code%3Dc%26state%3Ds", "c#s", "<a href=\"?code=c&amp;state=s\">", "a\nb", "%", "&#38;&amp;amp;"} {
		f.Add(text, "c", 20)
	}
	f.Fuzz(func(t *testing.T, text, code string, at int) {
		callbacks := callbacksIn(text)
		if words := len(strings.Fields(text)); len(callbacks) > 6*words+6 {
			t.Fatalf("%d callbacks in %d words", len(callbacks), words)
		}
		if c := codeIn(text); strings.ContainsFunc(c, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
			t.Fatalf("%q is no code", c)
		}
		// Whatever the code, an address is read as it is, wrapped at any place, and escaped.
		if code == "" || len(code) > 1000 {
			return
		}
		want := url.Values{"code": {code}, "state": {"the-state"}}
		address := "http://127.0.0.1:8085/callback?" + want.Encode()
		at = max(0, min(at, len(address)))
		for _, written := range []string{address, address[:at] + "\n" + address[at:], " <" + strings.ReplaceAll(address, "&", "&amp;") + "> ", url.QueryEscape(address)} {
			if got := firstWith(written, "the-state"); got.Get("code") != code {
				t.Fatalf("%q was read as %v", written, got)
			}
		}
	})
}
