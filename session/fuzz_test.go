package session_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/session"
	"github.com/stretchr/testify/require"
)

// FuzzTemplate: whatever template and value, New accepts the config or names the
// mistake; a login request that goes out has the origin, the path and the parameters of
// its template, and a body of its format with the value in it.
func FuzzTemplate(f *testing.F) {
	for _, template := range []string{"{value}", "a{value}b", "{base64({value}:{value})}", "{{{value}}}", "{lower({url({value})})}", "{", "{base64({value}", "/{value}/?x={value}"} {
		for _, value := range []string{"v", "..", "a/b?c#d", "\\", "@evil", "é<&>'\"", "%2e%2e", "{value}", ""} {
			f.Add(template, value)
		}
	}
	f.Fuzz(func(t *testing.T, template, value string) {
		if len(template) > 300 || len(value) > 300 || strings.ContainsAny(template, "?#/&;") {
			return
		}
		plain := strings.NewReplacer("{", "{{", "}", "}}").Replace(template)
		for _, r := range []session.Request{
			{URL: loginURL + "/p/" + template + "/q?a=1&b=" + template + "&c=3"},
			{URL: loginURL, Header: map[string]string{"X-A": template}},
			{URL: loginURL, Form: map[string]string{"a": template, "b": plain, "c": "{value}"}},
			{URL: loginURL, JSON: map[string]any{"a": template, "b": []any{1, true, plain}, "c": "{value}"}},
			{URL: loginURL, XML: "<r><a>" + template + "</a><c d='{value}'>{value}</c></r>"},
		} {
			r.Capture = map[string]string{"token": ""}
			var sent []*http.Request
			var body []byte
			c, err := session.New(session.Config{
				Login: []session.Request{r}, Values: map[string]connectorauth.Secret{"value": connectorauth.Secret(value)},
				HTTPClient: client(fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
					sent = append(sent, req)
					if req.Body != nil {
						body, _ = io.ReadAll(req.Body)
					}
					return fakehttp.Respond(200, "token"), nil
				})),
			})
			if err != nil {
				continue
			}
			if c.Renew(t.Context()) != nil {
				require.Empty(t, sent)
				continue
			}
			require.Len(t, sent, 1)
			checkSent(t, sent[0], body, r, plain, value)
		}
	})
}

func checkSent(t *testing.T, req *http.Request, body []byte, r session.Request, plain, value string) {
	require.Equal(t, "https://login.example.test", req.URL.Scheme+"://"+req.URL.Host)
	require.Nil(t, req.URL.User)
	literal := strings.NewReplacer("{{", "{", "}}", "}").Replace(plain)
	switch {
	case r.Form != nil:
		form, err := url.ParseQuery(string(body))
		require.NoError(t, err)
		require.Len(t, form, 3)
		require.Equal(t, []string{value}, form["c"])
		require.Equal(t, []string{literal}, form["b"])
	case r.JSON != nil:
		var got struct {
			A, C string
			B    []any
		}
		require.NoError(t, json.Unmarshal(body, &got))
		require.Equal(t, value, got.C)
		require.Equal(t, float64(1), got.B[0])
		require.Equal(t, true, got.B[1])
		require.Equal(t, strings.ToValidUTF8(literal, "�"), strings.ToValidUTF8(got.B[2].(string), "�"))
	case r.XML != "":
		var got struct {
			C struct {
				D    string `xml:"d,attr"`
				Text string `xml:",chardata"`
			} `xml:"c"`
		}
		require.NoError(t, xml.Unmarshal(body, &got), string(body))
		if !strings.Contains(r.XML, "<c>") && strings.Count(r.XML, "<c") == 1 {
			require.Equal(t, []string{value, value}, []string{got.C.D, got.C.Text})
		}
	case r.Header != nil:
		require.False(t, strings.ContainsAny(req.Header.Get("X-A"), "\r\n\x00"))
	default:
		require.True(t, strings.HasPrefix(req.URL.Path, "/session/p/") && strings.HasSuffix(req.URL.Path, "/q"), req.URL)
		parts := strings.Split(req.URL.EscapedPath(), "/")
		require.Len(t, parts, 5)
		require.NotContains(t, []string{".", ".."}, parts[3])
		query, err := url.ParseQuery(req.URL.RawQuery)
		require.NoError(t, err)
		require.Len(t, query, 3)
		require.Equal(t, "3", query.Get("c"))
	}
}

// FuzzCapture: whatever a response has and wherever a capture looks, the login ends, and
// a value that is captured can go into a header.
func FuzzCapture(f *testing.F) {
	for _, body := range []string{
		`{"a":{"b":"t"},"c":[1,2.5,true,null,{"d":"e"}]}`, `"t"`, `t`, `<r a="1"><b c="2">t</b><b/></r>`, `<r xmlns="x"><x:b xmlns:x="y">t<i>u</i>v</x:b></r>`, "<?xml version='1.0' encoding='ISO-8859-1'?><r>\xe9</r>",
		`[["t"]]`, `{"a":`, "<r>", "\xff\xfe<\x00r\x00/\x00>\x00", strings.Repeat("[", 2000), strings.Repeat("<a>", 2000), "<!DOCTYPE r [<!ENTITY x 'y'>]><r>&x;</r>",
	} {
		for _, source := range []string{"", "a.b", "/a/b", "c.0", "c.4.d", ".", "@a", "b.@c", "b", "0.0", "header:X-T", "cookie:T"} {
			f.Add(body, source, "T=1; Path=/")
		}
	}
	f.Fuzz(func(t *testing.T, body, source, setCookie string) {
		base := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			resp := fakehttp.Respond(200, body)
			resp.Header["Set-Cookie"], resp.Header["X-T"] = []string{setCookie}, []string{setCookie}
			return resp, nil
		})
		c, err := session.New(session.Config{
			Login: []session.Request{{URL: loginURL, Capture: map[string]string{"token": source}}}, HTTPClient: client(base),
		})
		if err != nil {
			return
		}
		api := &fakehttp.Base{}
		resp, err := connectorauth.NewClient(c, client(api)).Get("https://api.example.test/")
		if err != nil {
			require.Empty(t, api.Requests())
			return
		}
		resp.Body.Close()
		token := api.Requests()[0].Header.Get("Authorization")
		require.True(t, strings.HasPrefix(token, "Bearer ") && len(token) > len("Bearer "))
		require.False(t, strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r == 0x7f }))
		require.LessOrEqual(t, len(token), 64<<10+len("Bearer "))
	})
}
