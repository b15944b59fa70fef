package origin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// spellings of https://bücher.example, each as an entry of Hosts and as a URL.
var spellings = map[string]bool{
	"b\u00fccher.example": true, "xn--bcher-kva.example": true, "B\u00dcCHER.example": true, "XN--BCHER-KVA.Example": true,
	"bu\u0308cher.example":                         true, // u and a combining diaeresis
	"\uff42\u00fc\uff43\uff48\uff45\uff52.example": true, // full-width letters
	"b\u00fccher\uff0eexample":                     true, // a full-width full stop
	"b\u00fccher\u3002example":                     true, // an ideographic full stop
	"\u212f":                                       false,
	"bucher.example":                               false,
	"b\u00fccher.example.":                         false,
	"b\u00fccher.example\u3002":                    false,
	"b\u00fcch\u0435r.example":                     false, // a Cyrillic e
	"b\u03cdcher.example":                          false, // a Greek upsilon
	"b\u00fcche\u0433.example":                     false,
	"b\u00fccher.\u0435xample":                     false,
	"x.b\u00fccher.example":                        false,
	"xb\u00fccher.example":                         false,
	"xn--bcher-kv.example":                         false,
	"b\u00fccher.example.evil.example":             false,
	"b\u00fccher.example\uff0fevil":                false, // a full-width slash
	"b\u00fccher\u2024example":                     false, // a one dot leader
}

func TestInternationalNameIsOneHostInAllSpellings(t *testing.T) {
	for listed, ok := range spellings {
		if !ok {
			continue
		}
		set, err := origin.Parse([]string{listed})
		require.NoError(t, err, listed)
		first := "https://" + listed + "/"
		for asked, same := range spellings {
			for _, port := range []string{"", ":443"} {
				u := &url.URL{Scheme: "https", Host: asked + port}
				got, err := set.Check(&http.Request{URL: u})
				assert.Equal(t, same, got == origin.Inside, "%q listed, %q asked: %v", listed, asked, err)
				got, _ = origin.Set{}.Check(&http.Request{URL: u, Response: &http.Response{Request: chain(t, first)}})
				assert.Equal(t, same, got == origin.Inside, "redirect from %q to %q", listed, asked)
				assert.Equal(t, same, origin.Same(chain(t, first).URL, u), "%q and %q", listed, asked)
			}
			got, _ := set.Check(&http.Request{URL: &url.URL{Scheme: "https", Host: asked + ":8443"}})
			assert.Equal(t, origin.Refused, got, "another port")
		}
	}
}

// The two joiners are invisible, and a part of names in some scripts.
func TestNamesMayHaveJoiners(t *testing.T) {
	for name, ascii := range map[string]string{
		"\u0dc1\u0dca\u200d\u0dbb\u0dd3.example":             "xn--10cl1a0b660p.example",    // Sinhala
		"\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example": "xn--mgba3gch31f060k.example", // Persian
	} {
		set, err := origin.Parse([]string{name})
		require.NoError(t, err)
		got, err := set.Check(chain(t, "https://"+ascii+"/"))
		require.NoError(t, err)
		assert.Equal(t, origin.Inside, got)
		_, err = origin.Endpoint("https://" + name + "/token")
		assert.NoError(t, err)
	}
}

func TestInternationalWildcard(t *testing.T) {
	for _, entry := range []string{"*.b\u00fccher.example", "*.xn--bcher-kva.example", "*.B\u00dcCHER.EXAMPLE"} {
		set, err := origin.Parse([]string{entry})
		require.NoError(t, err)
		for asked, inside := range map[string]bool{
			"a.b\u00fccher.example": true, "A.xn--bcher-kva.example": true, "\u00e4.b\u00fccher.example": true, "\uff41\uff0eb\u00fccher.example": true, "xn--4ca.b\u00fccher.example": true,
			"b\u00fccher.example": false, "ab\u00fccher.example": false, "a.b\u00fccher.example.": false, "\uff0eb\u00fccher.example": false, "a.bucher.example": false,
			"xn--\u00e4.b\u00fccher.example": false, "a\u2044b\u00fccher.example": false,
		} {
			got, err := set.Check(&http.Request{URL: &url.URL{Scheme: "https", Host: asked}})
			assert.Equal(t, inside, got == origin.Inside, "%q listed, %q asked: %v", entry, asked, err)
		}
	}
}

// Letters that IDNA 2008 keeps are letters of their own (nontransitional).
func TestSharpSIsNotSS(t *testing.T) {
	set, err := origin.Parse([]string{"fa\u00df.example"})
	require.NoError(t, err)
	for asked, inside := range map[string]bool{"fa\u00df.example": true, "xn--fa-hia.example": true, "fass.example": false} {
		got, _ := set.Check(chain(t, "https://"+asked+"/"))
		assert.Equal(t, inside, got == origin.Inside, asked)
	}
}

// invalid are hosts that no registry gives out, and that no two programs read alike.
var invalid = []string{
	"xn--\u00fc.example", "\u00fc--\u00fc.example", "-\u00fc.example", "\u00fc-.example", "\u0301a.example", "\u00fc..example", "\u00fc_.example",
	"\u202eb\u00fccher.example", "\u05d0a.example", "a\u200db.example", "\u2488.example", "b\u00fccher.example\uff20evil.example", "b\u00fccher.example\uff1a443",
	"\ufffd.example", "[\u00fc::1]", "[::1%\u00fc]", "\u00fc.example:\uff14\uff14\uff13",
}

func TestInvalidInternationalNamesAreRefused(t *testing.T) {
	home, err := origin.Parse([]string{"*.example.com", "evil.example"})
	require.NoError(t, err)
	for _, host := range invalid {
		_, err := origin.Parse([]string{host})
		assert.Error(t, err, "%q", host)
		for _, set := range []origin.Set{{}, home} {
			got, err := set.Check(&http.Request{URL: &url.URL{Scheme: "https", Host: host}})
			assert.Equal(t, origin.Refused, got, "%q", host)
			require.ErrorContains(t, err, "is not a valid international name", "%q", host)
			for _, c := range err.Error() {
				assert.Less(t, c, rune(0x80), "an error shows no letter that looks like another one")
			}
			u := &url.URL{Scheme: "https", Host: host}
			got, err = set.Check(&http.Request{URL: u, Response: &http.Response{Request: &http.Request{URL: u}}})
			assert.Equal(t, origin.WithoutCredentials, got, "%q after a redirect from itself: %v", host, err)
		}
		_, err = origin.Endpoint("https://" + host + "/token")
		assert.Error(t, err, "%q", host)
	}
	for _, entry := range []string{"xn--a.example", "xn--.example", "XN--A.example", "*.xn--a.example", "https://xn--a.example", "xn--B\u00dcCHER.example"} {
		_, err := origin.Parse([]string{entry})
		assert.ErrorContains(t, err, "is not a valid international name", entry)
		assert.NotContains(t, err.Error(), "write the name in the xn-- form", "the name may be in this form already")
	}
}

// A name that only looks like a listed one shows in the error what the name is.
func TestErrorShowsTheASCIIForm(t *testing.T) {
	set, err := origin.Parse([]string{"apple.example"})
	require.NoError(t, err)
	_, err = set.Check(chain(t, "https://\u0430pple.example/"))
	assert.EqualError(t, err, "https://xn--pple-43d.example is not among the connector's Hosts")
}

func TestSameOrigin(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"https://a.test", "https://A.test:443/x", true}, {"http://a.test:80", "http://A.test", true}, {"http://a.test:", "http://a.test:80", true},
		{"https://a_b.test", "https://A_B.test", true}, {"https://b\u00fccher.test", "https://xn--bcher-kva.test", true},
		{"https://a.test", "http://A.test", false}, {"https://a.test", "http://a.test", false}, {"https://a.test:80", "https://a.test", false},
		{"http://a.test:443", "http://a.test", false}, {"https://a.test", "https://b.test", false},
		{"https://\u00fc..x", "https://\u00fc..y", false}, // neither is a host
	} {
		a, err := url.Parse(test.a)
		require.NoError(t, err)
		b, err := url.Parse(test.b)
		require.NoError(t, err)
		assert.Equal(t, test.same, origin.Same(a, b), "%s %s", test.a, test.b)
		assert.Equal(t, test.same, origin.Same(b, a), "%s %s", test.b, test.a)
	}
}

func TestLoopbackHosts(t *testing.T) {
	for _, host := range []string{"localhost", "LOCALHOST", "app.localhost", "my_app.localhost", "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"} {
		assert.True(t, origin.Loopback(host), host)
	}
	for _, host := range []string{"", "localhost.example", "alocalhost", ".localhost", "a..localhost", "128.0.0.1", "::2", "::ffff:10.0.0.1", "0.0.0.0", "2130706433"} {
		assert.False(t, origin.Loopback(host), host)
	}
}

func TestASCIIIsWhatIsSent(t *testing.T) {
	for host, want := range map[string]string{
		"b\u00fccher.example": "xn--bcher-kva.example", "B\u00dcCHER\uff0eExample:8443": "xn--bcher-kva.example:8443", "API.example": "API.example", "\u00fc..x": "\u00fc..x",
	} {
		u := &url.URL{Scheme: "https", Host: host, Path: "/x"}
		for _, header := range []string{"", host, "other.example"} {
			req := &http.Request{URL: u, Host: header}
			origin.ASCII(req)
			assert.Equal(t, want, req.URL.Host)
			if header == "other.example" || want == host {
				assert.Equal(t, header, req.Host)
			} else {
				assert.Empty(t, req.Host, "the header follows the URL")
			}
		}
		assert.Equal(t, host, u.Host, "the caller's URL is not changed")
	}
	for raw, want := range map[string]string{
		"https://b\u00fccher.example/a?b=c": "https://xn--bcher-kva.example/a?b=c", "https://b%C3%BCcher.example/": "https://xn--bcher-kva.example/",
		"HTTPS://API.example/\u00fc": "HTTPS://API.example/\u00fc", "%zz": "%zz",
		"https://\u00fc..x/a": "https://\u00fc..x/a",
	} {
		assert.Equal(t, want, origin.ASCIIURL(raw))
	}
}

func TestNamesBelowLocalhostGoToLocalhost(t *testing.T) {
	for raw, want := range map[string]string{
		"http://app.localhost/x": "localhost", "http://app.localhost:8080/x": "localhost:8080", "http://a.B.LocalHost:80/": "localhost:80",
		"http://localhost:8080/": "localhost:8080", "http://127.0.0.1/": "127.0.0.1", "https://app.localhost/": "app.localhost",
		"http://app.localhost./": "app.localhost.", "http://.localhost/": ".localhost", "http://app.localhost.evil.com/": "app.localhost.evil.com", "http://[::1]/": "[::1]",
	} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		host := u.Host
		for _, header := range []string{"", host, "other.example"} {
			req := &http.Request{URL: u, Host: header}
			origin.Resolve(req)
			assert.Equal(t, want, req.URL.Host, raw)
			if want == host {
				assert.Equal(t, header, req.Host, raw)
			} else if header == "" {
				assert.Equal(t, host, req.Host, raw)
			} else {
				assert.Equal(t, header, req.Host, raw)
			}
		}
		assert.Equal(t, host, u.Host, "the caller's URL is not changed")
	}
}

// An ASCII host costs nothing.
func TestASCIIHostsAllocateNothing(t *testing.T) {
	set, err := origin.Parse([]string{"a.example", "*.b.example", "b\u00fccher.example", "http://10.0.0.5"})
	require.NoError(t, err)
	for _, host := range []string{"a.example", "x.b.example", "xn--bcher-kva.example", "a.example:443"} {
		req := &http.Request{URL: &url.URL{Scheme: "https", Host: host}, Host: host}
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			if got, _ := set.Check(req); got != origin.Inside {
				t.Fatal(host)
			}
			origin.ASCII(req)
			origin.Resolve(req)
		}), host)
	}
}

func BenchmarkCheck(b *testing.B) {
	many := make([]string, 20)
	for i := range many {
		many[i] = "*." + strings.Repeat("a", i+1) + ".example.com"
	}
	for name, test := range map[string]struct {
		hosts []string
		host  string
	}{
		"none": {nil, "api.example.com"}, "listed": {[]string{"login.example.com", "api.example.com"}, "api.example.com"},
		"wildcards": {many, "x." + strings.Repeat("a", 20) + ".example.com"}, "upper case": {[]string{"api.example.com"}, "API.example.com"},
		"international": {[]string{"b\u00fccher.example"}, "b\u00fccher.example"},
	} {
		b.Run(name, func(b *testing.B) {
			set, err := origin.Parse(test.hosts)
			if err != nil {
				b.Fatal(err)
			}
			req := &http.Request{URL: &url.URL{Scheme: "https", Host: test.host}}
			b.ReportAllocs()
			for b.Loop() {
				set.Check(req)
			}
		})
	}
}

// Whoever names a host, in a callback or a redirect, must not decide how long others
// wait: a name of 30 kB once took seconds.
func TestLongInternationalNamesAreNotRead(t *testing.T) {
	var name strings.Builder
	for i := range 10_000 {
		name.WriteRune(rune(0x4e00 + i))
	}
	_, err := origin.Endpoint("https://" + name.String() + ".example/")
	require.ErrorContains(t, err, "not a valid international name")
	_, err = origin.Parse([]string{name.String() + ".example"})
	require.ErrorContains(t, err, "not a valid international name")

	_, err = origin.Endpoint("https://" + strings.Repeat(strings.Repeat("\u00fc", 50)+".", 4) + "example:8443/")
	require.NoError(t, err, "the longest names are read")
}

// net/http connects to what stands before the last colon, so two ports make another host.
func TestHostWithTwoPortsIsNotTheHostWithOne(t *testing.T) {
	for entry, hosts := range map[string][]string{
		"https://a.example":      {"a.example::443", "a.example:443:443", "A.example::", "a.example:443:"},
		"https://a.example:8443": {"a.example:8443:443", "a.example:8443:"},
		"*.example.com":          {"a.example.com::443", "A.example.com::"},
		"http://localhost":       {"localhost::80", "localhost:80:80", "localhost:80:"},
		"https://[::1]":          {"[::1]::443", "[::1]:443:"},
	} {
		listed, err := origin.Parse([]string{entry})
		require.NoError(t, err)
		scheme, _, explicit := strings.Cut(entry, "://")
		if !explicit {
			scheme = "https"
		}
		for _, host := range hosts {
			u := &url.URL{Scheme: scheme, Host: host}
			got, _ := listed.Check(&http.Request{URL: u})
			assert.Equal(t, origin.Refused, got, "%s for %s", host, entry)
			assert.False(t, origin.Same(u, &url.URL{Scheme: scheme, Host: strings.TrimPrefix(entry, scheme+"://")}), host)
		}
	}
	for _, host := range []string{"localhost:80:80", "localhost:8080:80", "127.0.0.1:80:", "localhost::80"} {
		got, _ := origin.Set{}.Check(&http.Request{URL: &url.URL{Scheme: "http", Host: host}})
		assert.Equal(t, origin.Refused, got, "nobody knows that %s is loopback", host)
	}
}

// An entry without a scheme means https, so the error for plain http to the same host says how to list that.
func TestErrorForPlainHTTPToAListedHostSaysHowToListTheOrigin(t *testing.T) {
	set, err := origin.Parse([]string{"10.0.0.5:8080", "*.example.com"})
	require.NoError(t, err)
	for _, address := range []string{"http://10.0.0.5:8080/x", "http://api.example.com/x"} {
		_, err = set.Check(chain(t, address))
		assert.ErrorContains(t, err, "for plain http, list the origin with http:// in Hosts", address)
	}
	_, err = set.Check(chain(t, "http://10.0.0.6:8080/x"))
	assert.ErrorContains(t, err, "is not among the connector's Hosts")
	assert.NotContains(t, err.Error(), "plain http")
}
