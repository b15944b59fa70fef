package origin_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// chain builds the last request of a redirect chain the way http.Client does.
func chain(t *testing.T, hops ...string) *http.Request {
	t.Helper()
	var last *http.Request
	for _, hop := range hops {
		u, err := url.Parse(hop)
		require.NoError(t, err)
		req := &http.Request{URL: u}
		if last != nil {
			req.Response = &http.Response{Request: last}
		}
		last = req
	}
	return last
}

func TestCheckDirect(t *testing.T) {
	for _, tc := range []struct {
		name  string
		hosts []string
		url   string
		want  origin.Reach
	}{
		{"any https host without Hosts", nil, "https://api.example.com/x", origin.Inside},
		{"plain http", nil, "http://api.example.com/", origin.Refused},
		{"plain http on loopback", nil, "http://127.0.0.1:8080/", origin.Inside},
		{"plain http on IPv6 loopback", nil, "http://[::1]:8080/", origin.Inside},
		{"plain http on mapped loopback", nil, "http://[::ffff:127.0.0.1]/", origin.Inside},
		{"plain http on localhost", nil, "http://LOCALHOST/", origin.Inside},
		{"plain http below localhost", nil, "http://app.LOCALHOST:8080/", origin.Inside},
		{"plain http far below localhost", nil, "http://a.b.localhost/", origin.Inside},
		{"plain http to an international name below localhost", nil, "http://b\u00fccher.localhost/", origin.Inside},
		{"below localhost with trailing dot", nil, "http://app.localhost./", origin.Refused},
		{"below localhost with an empty label", nil, "http://.localhost/", origin.Refused},
		{"below localhost with two dots", nil, "http://a..localhost/", origin.Refused},
		{"no label of its own", nil, "http://applocalhost/", origin.Refused},
		{"localhost in the middle", nil, "http://app.localhost.evil.com/", origin.Refused},
		{"localhost.localdomain", nil, "http://localhost.localdomain/", origin.Refused},
		{"below localhost is not listed", []string{"api.example.com"}, "http://app.localhost/", origin.Refused},
		{"odd spelling of loopback", nil, "http://127.1/", origin.Refused},
		{"localhost with trailing dot", nil, "http://localhost./", origin.Refused},
		{"look-alike of localhost", nil, "http://localhost.evil.com/", origin.Refused},
		{"IPv6 zone", nil, "http://[::1%25.example.com]/", origin.Inside},
		{"other scheme", nil, "ftp://api.example.com/", origin.Refused},
		{"no host", nil, "https:///x", origin.Refused},
		{"listed", []string{"api.example.com"}, "https://api.example.com/x", origin.Inside},
		{"listed, default port written", []string{"api.example.com"}, "https://api.example.com:443/x", origin.Inside},
		{"listed with default port", []string{"api.example.com:443"}, "https://api.example.com/x", origin.Inside},
		{"empty port", []string{"api.example.com"}, "https://api.example.com:/x", origin.Inside},
		{"letter case", []string{"API.example.com"}, "https://api.EXAMPLE.com/x", origin.Inside},
		{"listed host, other port", []string{"api.example.com"}, "https://api.example.com:8443/", origin.Refused},
		{"listed host, plain http", []string{"api.example.com"}, "http://api.example.com/", origin.Refused},
		{"listed host, http on 443", []string{"api.example.com"}, "http://api.example.com:443/", origin.Refused},
		{"trailing dot", []string{"api.example.com"}, "https://api.example.com./", origin.Refused},
		{"subdomain", []string{"example.com"}, "https://api.example.com/", origin.Refused},
		{"suffix", []string{"example.com"}, "https://evilexample.com/", origin.Refused},
		{"prefix", []string{"api.example.com"}, "https://api.example.com.evil.com/", origin.Refused},
		{"userinfo", []string{"api.example.com"}, "https://api.example.com@evil.com/", origin.Refused},
		{"userinfo on the listed host", []string{"api.example.com"}, "https://evil.com@api.example.com/", origin.Inside},
		{"Unicode folding", []string{"kelvin.example"}, "https://\u212aelvin.example/", origin.Inside},
		{"IDN in its ASCII form", []string{"xn--bcher-kva.example"}, "https://xn--bcher-kva.example/", origin.Inside},
		{"wildcard", []string{"*.example.com"}, "https://a.b.example.com/", origin.Inside},
		{"wildcard, upper case", []string{"*.Example.com"}, "https://A.EXAMPLE.com/", origin.Inside},
		{"wildcard apex", []string{"*.example.com"}, "https://example.com/", origin.Refused},
		{"wildcard dot host", []string{"*.example.com"}, "https://.example.com/", origin.Refused},
		{"wildcard suffix", []string{"*.example.com"}, "https://evilexample.com/", origin.Refused},
		{"wildcard other port", []string{"*.example.com"}, "https://a.example.com:444/", origin.Refused},
		{"wildcard plain http", []string{"*.example.com"}, "http://a.example.com/", origin.Refused},
		{"wildcard IPv6 zone", []string{"*.a.com"}, "https://[::1%25.a.com]/", origin.Refused},
		{"explicit http origin", []string{"http://10.0.0.5:8080"}, "http://10.0.0.5:8080/x", origin.Inside},
		{"explicit http origin, https asked", []string{"http://10.0.0.5:8080"}, "https://10.0.0.5:8080/x", origin.Refused},
		{"explicit http origin, other port", []string{"http://10.0.0.5:8080"}, "http://10.0.0.5/x", origin.Refused},
		{"loopback is not listed", []string{"api.example.com"}, "http://127.0.0.1/", origin.Refused},
		{"IPv6", []string{"[2001:db8::1]:8443"}, "https://[2001:DB8::1]:8443/", origin.Inside},
	} {
		t.Run(tc.name, func(t *testing.T) {
			set, err := origin.Parse(tc.hosts)
			require.NoError(t, err)
			got, err := set.Check(chain(t, tc.url))
			assert.Equal(t, tc.want, got)
			assert.Equal(t, tc.want == origin.Refused, err != nil, "only a refusal has a reason: %v", err)
		})
	}
}

func TestCheckRedirectChain(t *testing.T) {
	const home, evil = "https://api.example.com/", "https://evil.com/"
	for _, tc := range []struct {
		name  string
		hosts []string
		hops  []string
		want  origin.Reach
	}{
		{"same origin", nil, []string{home, home + "2"}, origin.Inside},
		{"same origin, port written", nil, []string{home, "https://API.example.com:443/2"}, origin.Inside},
		{"other host", nil, []string{home, evil}, origin.WithoutCredentials},
		{"there and on", nil, []string{home, evil, evil + "2"}, origin.WithoutCredentials},
		{"there and back", nil, []string{home, evil, home}, origin.WithoutCredentials},
		{"other port", nil, []string{home, "https://api.example.com:444/"}, origin.WithoutCredentials},
		{"https to http", nil, []string{home, "http://api.example.com/"}, origin.WithoutCredentials},
		{"http to https on loopback", nil, []string{"http://127.0.0.1/", "https://127.0.0.1/"}, origin.WithoutCredentials},
		{"other loopback spelling", nil, []string{"http://127.0.0.1/", "http://localhost/"}, origin.WithoutCredentials},
		{"subdomain", nil, []string{home, "https://x.api.example.com/"}, origin.WithoutCredentials},
		{"parent", nil, []string{home, "https://example.com/"}, origin.WithoutCredentials},
		{"other scheme", nil, []string{home, "ws://api.example.com/"}, origin.WithoutCredentials},
		{"both listed", []string{"a.com", "b.com"}, []string{"https://a.com/", "https://b.com/", "https://a.com/"}, origin.Inside},
		{"listed, through another", []string{"a.com", "b.com"}, []string{"https://a.com/", evil, "https://b.com/"}, origin.WithoutCredentials},
		{"began elsewhere", []string{"a.com"}, []string{evil, "https://a.com/"}, origin.WithoutCredentials},
		{"wildcard", []string{"*.a.com"}, []string{"https://x.a.com/", "https://y.a.com/"}, origin.Inside},
	} {
		t.Run(tc.name, func(t *testing.T) {
			set, err := origin.Parse(tc.hosts)
			require.NoError(t, err)
			got, err := set.Check(chain(t, tc.hops...))
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestCheckBrokenChainIsWithoutCredentials(t *testing.T) {
	last := chain(t, "https://a.com/", "https://a.com/2")
	last.Response.Request = nil
	got, err := origin.Set{}.Check(last)
	require.NoError(t, err)
	assert.Equal(t, origin.WithoutCredentials, got, "without resp.Request the chain is unknown")

	last = chain(t, "https://a.com/", "https://a.com/2")
	last.Response.Request.URL = nil
	got, _ = origin.Set{}.Check(last)
	assert.Equal(t, origin.WithoutCredentials, got)

	endless := chain(t, "https://a.com/", "https://a.com/2")
	endless.Response.Request = endless
	got, _ = origin.Set{}.Check(endless)
	assert.Equal(t, origin.WithoutCredentials, got, "a chain without an end")
}

func TestCheckMalformedRequest(t *testing.T) {
	got, err := origin.Set{}.Check(&http.Request{})
	assert.Equal(t, origin.Refused, got)
	assert.Error(t, err)

	listed, err := origin.Parse([]string{"http://a.com", "a.com"})
	require.NoError(t, err)
	for opaque, want := range map[string]origin.Reach{
		"//evil.com/x": origin.Refused, "http://evil.com/x": origin.Refused, "evil.com/x": origin.Refused, // an HTTP proxy gets these as they are
		"": origin.Inside, "/x%2Fy": origin.Inside, "*": origin.Inside,
	} {
		for _, scheme := range []string{"http", "https"} {
			got, err = listed.Check(&http.Request{URL: &url.URL{Scheme: scheme, Host: "a.com", Opaque: opaque}})
			assert.Equal(t, want, got, opaque)
			if want == origin.Refused {
				assert.ErrorContains(t, err, "opaque")
			}
		}
	}
}

func TestParseRefusesWhatIsNoHost(t *testing.T) {
	for _, entry := range []string{
		"", "*", "*.", "*.com", "*example.com", "a.*.com", "http://*.example.com", "*.example.com:8443",
		"ftp://a.com", "https://", "a.com/path", "a.com?x", "a.com#x", "user@a.com", "https://user:pw@a.com",
		"a b.com", "a\n.com", "a..com", ".a.com", "a.com.", "a.com:", "a.com:x", "::1",
	} {
		_, err := origin.Parse([]string{entry})
		assert.Error(t, err, entry)
	}
	_, err := origin.Parse([]string{"*.com"})
	assert.ErrorContains(t, err, "with a dot in the name below which hosts are meant")
}

// What is refused may have a secret in it: the error shows the beginning of the host alone,
// and the number of the entry where a user name may stand before the host.
func TestARefusedEntryIsNamedWithoutWhatMayBeSecret(t *testing.T) {
	for entry, want := range map[string]string{
		"api.example.com/SECRET":         `host "api.example.com...":`,
		"https://api.example.com/SECRET": `host "https://api.example.com...":`,
		"api.example.com:SECRET":         `host "api.example.com...":`,
		"SECRET@api.example.com":         "host 2:",
		"SECRET:pw@api.example.com":      "host 2:",
		"https://SECRET@a.example.com":   "host 2:",
		"SECRET://a.example.com":         "host 2:",
		"/SECRET":                        "host 2:",
	} {
		_, err := origin.Parse([]string{"api.example.com", entry})
		require.ErrorContains(t, err, want, entry)
		assert.NotContains(t, err.Error(), "SECRET")
	}
}

func TestEndpoint(t *testing.T) {
	for _, ok := range []string{"https://p.example/token", "https://p.example/t?tenant=1", "http://127.0.0.1:80/t", "http://[::1]/t", "http://localhost:1/t"} {
		_, err := origin.Endpoint(ok)
		assert.NoError(t, err, ok)
	}
	for _, bad := range []string{"", "p.example/token", "http://p.example/t", "ftp://p.example/", "https:///t", "https://:8443/t", "https://u:SECRET@p.example/", "https://p.example/#f", "https://p.example/#", "https://p.example/%zzSECRET", "://"} {
		_, err := origin.Endpoint(bad)
		if assert.Error(t, err, bad) {
			assert.NotContains(t, err.Error(), "SECRET")
		}
	}
}

func FuzzParseAndCheck(f *testing.F) {
	f.Add("api.example.com", "https://api.example.com/")
	f.Add("*.example.com", "https://a.example.com:443/")
	f.Add("http://10.0.0.5:8080", "http://10.0.0.5:8080/")
	f.Add("b\u00fccher.example", "https://xn--bcher-kva.example/")
	f.Add("*.xn--bcher-kva.example", "https://a.B\u00dcCHER\uff0eexample:443/")
	f.Add("http://app.localhost", "http://app.localhost/")
	f.Add("[::1]:1", "https://[::1%25a]:1/")
	f.Fuzz(func(t *testing.T, entry, raw string) {
		set, err := origin.Parse([]string{entry})
		if err != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		reach, err := set.Check(&http.Request{URL: u})
		if (reach == origin.Refused) != (err != nil) || reach == origin.WithoutCredentials {
			t.Fatalf("reach %v with error %v", reach, err)
		}
		sent := &http.Request{URL: u}
		origin.ASCII(sent)
		if again, _ := set.Check(sent); again != reach {
			t.Fatalf("%v for %s, but %v for %s", reach, u, again, sent.URL)
		}
		for _, c := range sent.URL.Host {
			if reach == origin.Inside && c >= 0x80 {
				t.Fatalf("credentials for %q", sent.URL.Host)
			}
		}
		if reach == origin.Inside && u.Scheme != "https" && u.Scheme != "http" {
			t.Fatalf("credentials for scheme %q", u.Scheme)
		}
	})
}

// Each request of a connector asks, and most are allowed.
func TestCheckAllocatesNothing(t *testing.T) {
	set, err := origin.Parse([]string{"login.example.org", "*.example.org", "api.example.com:8443", "*.example.com"})
	require.NoError(t, err)
	for _, host := range []string{"login.example.org", "LOGIN.example.org", "login.example.org:443", "a.example.com", "A.B.Example.COM", "a.example.com:443", "API.example.com:8443"} {
		req := &http.Request{URL: &url.URL{Scheme: "https", Host: host}}
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			if reach, err := set.Check(req); reach != origin.Inside {
				t.Error(host, err)
			}
		}), host)
	}
}
