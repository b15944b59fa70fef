package attack_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
)

// A spelling is a URL, or what a Location says, that means home or only looks
// like it.
type spelling struct {
	url    string
	inside bool // it is home's origin, and credentials go there
}

// spellings of https://api.home.example, to be requested or redirected to.
var spellings = []spelling{
	{"https://api.home.example/x", true},
	{"https://api.home.example:443/x", true},
	{"https://api.home.example:/x", true},
	{"https://API.Home.EXAMPLE/x", true},
	{"HTTPS://api.home.example/x", true},
	{"https://api.home.example/../@evil.example/", true},
	{"https://api.home.example?@evil.example/", true},
	{"https://evil.example@api.home.example/x", true}, // user "evil.example"

	{"https://api.home.example./x", false},
	{"https://api.home.example..:443/x", false},
	{"https://api.home.example:444/x", false},
	{"https://api.home.example:0443/x", false},
	{"https://api.home.example:4430/x", false},
	{"https://api.home.example:80/x", false},
	{"http://api.home.example/x", false},
	{"http://api.home.example:443/x", false},
	{"ftp://api.home.example/x", false},
	{"ws://api.home.example/x", false},
	{"file://api.home.example/x", false},

	{"https://home.example/x", false},
	{"https://sub.api.home.example/x", false},
	{"https://xapi.home.example/x", false},
	{"https://api-home.example/x", false},
	{"https://api.home.example.evil.example/x", false},
	{"https://api.home.examples/x", false},
	{"https://api.home.exampl/x", false},

	{"https://api.home.example@evil.example/x", false},
	{"https://api.home.example:443@evil.example/x", false},
	{"https://api.home.example%40evil.example/x", false},
	{"https://api.home.example%2f@evil.example/x", false},
	{"https://evil.example#@api.home.example/x", false},
	{"https://evil.example?@api.home.example/x", false},
	{"https://evil.example/@api.home.example/x", false},
	{`https://evil.example\@api.home.example/x`, false},
	{`https://api.home.example\.evil.example/x`, false},
	{"https://api.home.example%2eevil.example/x", false},
	{"https://api.home.example%00.evil.example/x", false},
	{"https://api.home.example%0d%0aHost:evil.example/x", false},
	{"https://api.home.example,evil.example/x", false},
	{"https://api.home.example;evil.example/x", false},
	{"https://[api.home.example]/x", false},

	// International names: those that IDNA folds to home are sent to home, in ASCII.
	{"https://api\u3002home\u3002example/x", true},           // ideographic full stops
	{"https://\uff41\uff50\uff49.home.example/x", true},      // fullwidth letters
	{"https://ap\u0456.home.example/x", false},               // a Cyrillic i
	{"https://api.home\u00ad.example/x", true},               // a soft hyphen
	{"https://api.home.e\u0445ample/x", false},               // a Cyrillic x
	{"https://xn--ap-mja.home.example/x", false},             // in ASCII
	{"https://api.home\u200b.example/x", true},               // a zero width space
	{"https://api.home.example\u2044evil.example/x", false},  // a fraction slash
	{"https://api.home.example\uff0fevil.example/x", false},  // a fullwidth slash
	{"https://api.home.example\uff20evil.example/x", false},  // a fullwidth @
	{"https://api.home.example\uff1a443/x", false},           // a fullwidth colon
	{"https://api.home.\u212axample.example/x", false},       // a Kelvin sign
	{"https://xn--api-.home.example/x", false},               // invalid punycode
	{"https://api.home.example.xn--/x", false},               // likewise
	{"https://\u202eelpmaxe.emoh.ipa/x", false},              // right to left
	{"https://127.0.0.1/x", false},                           // which need not be home
	{"https://[::ffff:127.0.0.1]/x", false},                  //
	{"https://[::1%25api.home.example]/x", false},            // a zone
	{"https://[::1%25.api.home.example]/x", false},           //
	{"https://[fe80::1%25api.home.example%5d:443]/x", false}, //
	{"https://api.home.example:99999/x", false},              // no such port
	{"https://api.home.example:-443/x", false},               //
	{"https://api.home.example:443:443/x", false},            //
	{"https://api.home.example:%34%34%33/x", false},          //
	{"https://api.home.example:\uff14\uff14\uff13/x", false}, //
	{"https://api.home.example :443/x", false},               //
	{"https:// api.home.example/x", false},                   //
	{"https://api.home.example\t/x", false},                  //
	{"https://*.home.example/x", false},                      //
	{"https://.api.home.example/x", false},                   //
	{"https://api..home.example/x", false},                   //
}

// locations are further redirects from home, relative ones among them.
var locations = []spelling{
	{"/x", true},
	{"x", true},
	{"//api.home.example/x", true},
	{"x?a=//evil.example/", true},
	{`/\evil.example/x`, true}, // a path to Go, another host to browsers
	{`\\evil.example/x`, true},
	{"https:///evil.example/x", false},
	{"https:/evil.example/x", false},
	{"https:evil.example/x", false},
	{"//evil.example/x", false},
	{"///evil.example/x", false},
	{"////evil.example/x", true},
	{"//evil.example\\@api.home.example/x", false},
	{"javascript:alert(1)", false},
	{"data:text/plain,x", false},
}

func TestCredentialsReachNothingThatOnlyLooksLikeTheHost(t *testing.T) {
	w := newWorld(t)
	for kind, c := range w.connectors("api.home.example") {
		for _, s := range spellings {
			t.Run(kind+"/"+s.url, func(t *testing.T) {
				w.redirect(0, "")
				err := w.post(t, c, s.url)
				w.requireCredentialsOnlyAt(t, "api.home.example:443")
				if s.inside {
					require.NoError(t, err)
					require.Len(t, w.seen(), 1)
					assert.True(t, w.seen()[0].carries())
					return
				}
				require.Error(t, err)
				assert.Empty(t, w.seen(), "a direct request elsewhere is not sent at all")
				assert.NotContains(t, err.Error(), secret)
			})
		}
	}
}

func TestCredentialsDoNotFollowRedirectsToLookAlikes(t *testing.T) {
	w := newWorld(t)
	for status, hosts := range map[int][]string{http.StatusTemporaryRedirect: nil, http.StatusFound: {"api.home.example"}} {
		for kind, c := range w.connectors(hosts...) {
			for _, s := range append(locations, spellings...) {
				t.Run(fmt.Sprintf("%d/%s/%s", status, kind, s.url), func(t *testing.T) {
					w.redirect(status, s.url)
					err := w.post(t, c, home+"/redirect")
					w.requireCredentialsOnlyAt(t, "api.home.example:443")
					arrived := w.seen()
					require.NotEmpty(t, arrived)
					require.True(t, arrived[0].carries(), "the request before the redirect")
					if err != nil {
						assert.NotContains(t, err.Error(), secret)
						assert.Len(t, arrived, 1)
					}
					if s.inside {
						require.NoError(t, err)
						require.Len(t, arrived, 2)
						// A 302 has taken away the body, and with it the place of a body key.
						assert.Equal(t, kind != "body key" || status == http.StatusTemporaryRedirect, arrived[1].carries())
					}
				})
			}
		}
	}
}

// requireCredentialsOnlyAt checks where requests with credentials have gone.
func (w *world) requireCredentialsOnlyAt(t *testing.T, addresses ...string) {
	t.Helper()
	for _, a := range w.seen() {
		if a.carries() {
			require.Contains(t, addresses, a.address, "%s", a.text)
		}
	}
}

// Without Hosts, plain http is for loopback alone; whatever else an address may
// be to some parser, it gets no credentials.
func TestPlainHTTPReachesLoopbackOnlyHoweverTheAddressIsSpelled(t *testing.T) {
	w := newWorld(t)
	hosts := []string{
		"127.0.0.1", "127.0.0.1:8080", "127.255.255.254", "localhost", "LocalHost:8080", "[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
		"[::1%25eth0]", "[::1%25evil.example]", "user@127.0.0.1",
		"127.1", "127.0.1", "127.0.0.1.", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "127.000.000.001", "127.0.0.01", "00127.0.0.1", "127.0.0.1.evil.example", "127.0.0.1@evil.example",
		"127.0.0.1%2eevil.example", "127.0.0.1%00", "127.0.0.1,evil.example", "127.0.0.256", "127.0.0.0x1",
		"app.localhost", "a.b.LocalHost:8080", "localhost.localhost",
		"app.localhost.", ".localhost", "a..localhost", "app.localhost.evil.example", "app.localhost%2eevil.example", "app.localhost@evil.example", "app.localhost,evil.localhost", "applocalhost", "app.localhos\u0442",
		"localhost.", "localhost.evil.example", "localhost@evil.example", "xlocalhost", "localhost%00.evil.example", "localhost.localdomain", "ip6-localhost",
		"0", "0.0.0.0", "[::]", "[::2]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1%25lo]", "[::ffff:8.8.8.8]", "[::ffff:127.0.0.1.evil.example]",
		"\u2460\u2461\u2466.\u24ea.\u24ea.\u2460", "127\u30020\u30020\u30021", "\uff11\uff12\uff17.0.0.1", "loc\u0430lhost", "\uff4cocalhost", "localho\u017ft",
		"128.0.0.1", "126.255.255.255", "10.0.0.5", "169.254.169.254", "[fd00::1]",
	}
	for kind, c := range w.connectors() {
		arrived := 0
		for _, host := range hosts {
			t.Run(kind+"/"+host, func(t *testing.T) {
				w.redirect(0, "")
				err := w.post(t, c, "http://"+host+"/x")
				for _, a := range w.seen() {
					assert.True(t, isLoopback(a.address), "a request went to %s", a.address)
					arrived++
				}
				if err != nil {
					assert.Empty(t, w.seen())
				}
			})
		}
		assert.Equal(t, 13+3+5, arrived, "the usual spellings of loopback, which are those in the first two lines; names below localhost; and what IDNA folds to an address or to localhost")
	}
}

func TestListedAddressIsThatSpellingOnly(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		entry, address string
		inside, others []string
	}{
		{
			"http://10.0.0.5:8080", "10.0.0.5:8080",
			[]string{"http://10.0.0.5:8080/x", "http://user@10.0.0.5:8080/x"},
			[]string{
				"https://10.0.0.5:8080/x", "http://10.0.0.5/x", "http://10.0.0.5:80/x", "http://10.0.0.5:08080/x", "http://10.5:8080/x", "http://10.0.5:8080/x", "http://012.0.0.5:8080/x",
				"http://0xa.0.0.5:8080/x", "http://167772165:8080/x", "http://0x0a000005:8080/x", "http://[::ffff:10.0.0.5]:8080/x", "http://[::ffff:a00:5]:8080/x", "http://10.0.0.5.:8080/x",
				"http://10.0.0.5:8080@evil.example/x", "http://10.0.0.5.evil.example:8080/x", "http://10.0.0.50:8080/x", "http://127.0.0.1:8080/x", "http://localhost/x",
			},
		}, {
			"[2001:db8::1]:8443", "[2001:db8::1]:8443",
			[]string{"https://[2001:db8::1]:8443/x", "https://[2001:DB8::1]:8443/x"},
			[]string{
				"https://[2001:db8::1]/x", "http://[2001:db8::1]:8443/x", "https://[2001:db8::1%25eth0]:8443/x", "https://[2001:db8:0::1]:8443/x", "https://[2001:db8:0:0:0:0:0:1]:8443/x",
				"https://[2001:db8::0001]:8443/x", "https://[2001:db8::2]:8443/x", "https://2001:db8::1:8443/x",
			},
		}, {
			"*.home.example", "a.home.example:443",
			[]string{"https://a.home.example/x", "https://A.HOME.EXAMPLE:443/x", "https://a\u3002home.example/x"},
			[]string{
				"https://home.example/x", "https://.home.example/x", "https://a..home.example/x", "https://a.home.example./x", "https://a.home.example:8443/x", "http://a.home.example/x", "https://ahome.example/x",
				"https://evil.example%2f.home.example/x", "https://evil.example%00.home.example/x", "https://evil.example%2e.home.example/x", "https://[::1%25.home.example]/x", "https://[::1%25a.home.example]/x",
				"https://evil.example/.home.example/x", "https://evil.example?.home.example/x", "https://evil.example#.home.example/x", "https://evil.example\\.home.example/x", "https://a.home.example@evil.example/x",
				"https://b\u00fccher\u2024home.example/x", "https://xn--\u00fc.home.example/x", "https://a b.home.example/x", "https://a.home.example.evil.example/x", "https://evil.example:443.home.example/x",
			},
		}, {
			"xn--bcher-kva.example", "xn--bcher-kva.example:443",
			[]string{
				"https://xn--bcher-kva.example/x", "https://XN--BCHER-KVA.example/x",
				"https://b\u00fccher.example/x", "https://bu\u0308cher.example/x", "https://B\u00dcCHER.example/x", "https://b%c3%bccher.example/x",
			},
			[]string{"https://bucher.example/x", "https://b\u00fcch\u0435r.example/x", "https://xn--bcher-kv.example/x", "https://b\u00fccher.example./x"},
		},
	} {
		for kind, c := range w.connectors(tc.entry) {
			for _, url := range tc.inside {
				t.Run(kind+"/"+url, func(t *testing.T) {
					w.redirect(0, "")
					require.NoError(t, w.post(t, c, url))
					require.Len(t, w.seen(), 1)
					assert.True(t, w.seen()[0].carries())
				})
			}
			for _, url := range tc.others {
				t.Run(kind+"/"+url, func(t *testing.T) {
					w.redirect(0, "")
					require.Error(t, w.post(t, c, url))
					assert.Empty(t, w.seen())
				})
			}
		}
	}
}

// A Host header of the caller's own changes which site answers, not which
// machine: to the connection, and so to the credentials, it is the URL that counts.
func TestHostHeaderDoesNotOpenAnotherHost(t *testing.T) {
	w := newWorld(t)
	for kind, c := range w.connectors("api.home.example") {
		t.Run(kind, func(t *testing.T) {
			w.redirect(0, "")
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://evil.example/x", nil)
			require.NoError(t, err)
			req.Host = "api.home.example"
			resp, err := connectorauth.NewClient(c, &http.Client{Transport: w.transport}).Do(req)
			if err == nil {
				resp.Body.Close()
			}
			require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
			assert.Empty(t, w.seen())
		})
	}
}

// One hop elsewhere and back home: from the first hop on, the redirects are
// somebody else's choice.
func TestRedirectsThroughAForeignHostStayWithoutCredentials(t *testing.T) {
	w := newWorld(t)
	for kind, c := range w.connectors() {
		t.Run(kind, func(t *testing.T) {
			w.redirect(http.StatusTemporaryRedirect, "https://evil.example/redirect")
			hops := 0
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, home+"/redirect", nil)
			require.NoError(t, err)
			if kind == "body key" {
				t.Skip("a GET has no place for it")
			}
			client := connectorauth.NewClient(c, &http.Client{Transport: w.transport, CheckRedirect: func(*http.Request, []*http.Request) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				if hops++; hops == 1 {
					w.location = home + "/x" // where evil.example sends it
				}
				return nil
			}})
			resp, err := client.Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			arrived := w.seen()
			require.Len(t, arrived, 3)
			assert.True(t, arrived[0].carries())
			assert.Equal(t, "evil.example:443", arrived[1].address)
			assert.False(t, arrived[1].carries())
			assert.Equal(t, "api.home.example:443", arrived[2].address)
			assert.False(t, arrived[2].carries())
		})
	}
}
