package oauth1_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/oauth1"
)

// The functions below read RFC 5849 section 3.4.1 from the server's side and
// as plainly as possible. They share no code with the package.

var (
	origin = regexp.MustCompile(`^[^/?]*://[^/?]*`)
	escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
)

// serverBaseString returns the base string of a request of which the server
// has seen the request target, the Host header and the body.
func serverBaseString(scheme, method, target, host, body string, protocol ...oauth1.Param) string {
	host = strings.ToLower(host)
	for _, port := range []string{map[string]string{"http": ":80", "https": ":443"}[scheme], ":"} {
		if name, found := strings.CutSuffix(host, port); found {
			host = name
			break // a host has one port
		}
	}
	target = origin.ReplaceAllString(target, "")
	path, query, _ := strings.Cut(target, "?")
	if path == "" {
		path = "/"
	}

	var pairs [][2]string
	for _, source := range []string{query, body} {
		for _, part := range strings.Split(source, "&") {
			if part == "" {
				continue
			}
			name, value, _ := strings.Cut(part, "=")
			pairs = append(pairs, [2]string{percentEncode(formDecode(name)), percentEncode(formDecode(value))})
		}
	}
	for _, p := range protocol {
		pairs = append(pairs, [2]string{percentEncode(p.Name), percentEncode(p.Value)})
	}
	sort.Slice(pairs, func(i, j int) bool {
		if pairs[i][0] != pairs[j][0] {
			return pairs[i][0] < pairs[j][0]
		}
		return pairs[i][1] < pairs[j][1]
	})
	var params []string
	for _, pair := range pairs {
		if pair[0] != "oauth_signature" {
			params = append(params, pair[0]+"="+pair[1])
		}
	}
	return percentEncode(strings.ToUpper(method)) + "&" +
		percentEncode(scheme+"://"+host+path) + "&" +
		percentEncode(strings.Join(params, "&"))
}

func percentEncode(s string) string {
	var encoded strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", c) >= 0 {
			encoded.WriteByte(c)
		} else {
			fmt.Fprintf(&encoded, "%%%02X", c)
		}
	}
	return encoded.String()
}

func formDecode(s string) string {
	s = strings.ReplaceAll(s, "+", " ")
	return escape.ReplaceAllStringFunc(s, func(e string) string {
		c, _ := strconv.ParseUint(e[1:], 16, 8)
		return string([]byte{byte(c)})
	})
}

// onWire returns the request target and the Host header that net/http writes
// for req.
func onWire(req *http.Request) (target, host string, ok bool) {
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		return "", "", false // it is never sent
	}
	line, rest, _ := strings.Cut(wire.String(), "\r\n")
	line, found := strings.CutSuffix(line, " HTTP/1.1")
	if !found {
		return "", "", false
	}
	_, target, _ = strings.Cut(line, " ")
	hostLine, _, _ := strings.Cut(rest, "\r\n")
	return target, strings.TrimPrefix(hostLine, "Host: "), true
}

// FuzzBaseString compares BaseString with the plain reading of the RFC, on
// what net/http really sends.
func FuzzBaseString(f *testing.F) {
	f.Add(false, "POST", "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", "", "", "c2&a3=2+q", "7d8f3e4a")
	f.Add(false, "", "http://EXAMPLE.COM:80/r%20v/X?id=123", "", "", "", "")
	f.Add(true, "patch", "https://[fe80::1%25en0]:443?a[]=1&a[]=%zz;b=%", "", "", "", "ü&=")
	f.Add(true, "GET", "https://h:80/a%2fb?oauth_signature=1&oauth%5Fsignature=2&realm=3&=&&=4", "other:443", "", "%", "")
	f.Add(false, "GET", "http://h/", "", "//h/opaque?x=1", "", "")
	f.Add(false, "GET", "http://h/", "h:", "https://h", "", "")
	f.Add(false, "GET", "http://h/*", "bücher", "*", "a-b=1&a=2", "")
	f.Fuzz(func(t *testing.T, https bool, method, address, host, opaque, form, nonce string) {
		u, err := url.Parse(address)
		if err != nil || len(address)+len(form)+len(nonce) > 4<<10 {
			t.Skip()
		}
		u.Scheme, u.Opaque = "http", opaque
		if https {
			u.Scheme = "https"
		}
		req := &http.Request{Method: "GET", URL: u, Host: host}
		target, wireHost, ok := onWire(req)
		if !ok || strings.HasPrefix(target, "://") {
			t.Skip()
		}
		req.Method = method // CONNECT and the like would change the target
		protocol := oauth1.Param{Name: "oauth_nonce", Value: nonce}
		got, err := oauth1.BaseString(req, []byte(form), protocol)
		if err != nil {
			given := host
			if given == "" {
				given = u.Host
			}
			if given != "" && wireHost == given {
				t.Fatalf("refused %q for host %q, which is sent as it is: %v", address, given, err)
			}
			return
		}
		if method == "" {
			method = "GET"
		}
		if want := serverBaseString(u.Scheme, method, target, wireHost, form, protocol); got != want {
			t.Fatalf("request target %q, Host %q, form %q:\ngot  %q\nwant %q", target, wireHost, form, got, want)
		}
	})
}

// FuzzQuery holds what BaseString reads in a query against url.ParseQuery,
// wherever that accepts the query.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{"a=1&a=2", "b5=%3D%253D&a3=a&c%40=&a2=r%20b", "a", "=", "a=%zz", "a;b", "+=%2B", "%C3%A9=\xff", "&&", "a=b=c", "oauth_signature=x"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		req := &http.Request{URL: &url.URL{Scheme: "http", Host: "h", RawQuery: query}}
		base, err := oauth1.BaseString(req, nil)
		if err != nil {
			t.Fatal(err)
		}
		params := normalised(t, base)

		// Normalised parameters are a query with the same base string.
		req.URL.RawQuery = params
		if again, err := oauth1.BaseString(req, nil); err != nil || again != base {
			t.Fatalf("%q becomes %q, which becomes %q (%v)", query, params, normalised(t, again), err)
		}

		want, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		delete(want, "oauth_signature")
		got, err := url.ParseQuery(params)
		if err != nil {
			t.Fatal(err)
		}
		for _, values := range []url.Values{want, got} {
			for name := range values {
				sort.Strings(values[name])
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q is read as %q, want %q", query, got, want)
		}
	})
}
