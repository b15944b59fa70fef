package oauth1_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	dghubble "github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/oauth1"
	"github.com/connectorauth/connectorauth/internal/test/race"
)

var stamp = oauth1.Stamp{Nonce: "n", Timestamp: 1}

func TestNewTakesEachMethod(t *testing.T) {
	for _, method := range oauth1.Methods {
		config := oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s", Method: method}
		if strings.HasPrefix(method, "RSA") {
			config.PrivateKey = testKey(t)
		}
		_, err := oauth1.New(config)
		assert.NoError(t, err)
	}
}

func TestNewRefusesBadConfigs(t *testing.T) {
	_, notRSA, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	var noKey *rsa.PrivateKey
	broken := *testKey(t).(*rsa.PrivateKey)
	broken.Precomputed, broken.D = rsa.PrecomputedValues{}, big.NewInt(3)
	for _, c := range []struct {
		name, want string
		config     oauth1.Config
	}{
		{"no consumer key", "ClientID: is empty", oauth1.Config{}},
		{"token secret alone", "without a Token", oauth1.Config{ConsumerKey: "c", TokenSecret: "s"}},
		{"unknown method", `"HMAC-MD5": use HMAC-SHA1`, oauth1.Config{ConsumerKey: "c", Method: "HMAC-MD5"}},
		{"method in small letters", "use HMAC-SHA1", oauth1.Config{ConsumerKey: "c", Method: "hmac-sha1"}},
		{"RSA without a key", "PrivateKey: is empty; RSA-SHA256", oauth1.Config{ConsumerKey: "c", Method: oauth1.RSASHA256}},
		{"RSA with a nil key", "PrivateKey: is empty; RSA-SHA1", oauth1.Config{ConsumerKey: "c", Method: oauth1.RSASHA1, PrivateKey: noKey}},
		{"RSA with an empty key", "not a valid RSA key", oauth1.Config{ConsumerKey: "c", Method: oauth1.RSASHA1, PrivateKey: new(rsa.PrivateKey)}},
		{"RSA with a broken key", "not a valid RSA key", oauth1.Config{ConsumerKey: "c", Method: oauth1.RSASHA1, PrivateKey: &broken}},
		{"RSA with another key", "not a ed25519.PrivateKey", oauth1.Config{ConsumerKey: "c", Method: oauth1.RSASHA1, PrivateKey: notRSA}},
		{"a key for HMAC", "takes no key", oauth1.Config{ConsumerKey: "c", PrivateKey: testKey(t)}},
		{"a key for PLAINTEXT", "takes no key", oauth1.Config{ConsumerKey: "c", Method: oauth1.Plaintext, PrivateKey: testKey(t)}},
		{"custom signer and method", "Signer: replaces", oauth1.Config{ConsumerKey: "c", Custom: &dghubble.HMACSigner{}, Method: oauth1.HMACSHA1}},
		{"custom signer and key", "Signer: replaces", oauth1.Config{ConsumerKey: "c", Custom: &dghubble.HMACSigner{}, PrivateKey: testKey(t)}},
		{"line break in the consumer key", "ClientID: has a control character", oauth1.Config{ConsumerKey: "c\n"}},
		{"line break in the consumer secret", "ClientSecret: has", oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s\r"}},
		{"NUL in the token", "Token: has", oauth1.Config{ConsumerKey: "c", Token: "\x00"}},
		{"tab in the token secret", "TokenSecret: has", oauth1.Config{ConsumerKey: "c", Token: "t", TokenSecret: "\t"}},
		{"DEL in the realm", "Realm: has", oauth1.Config{ConsumerKey: "c", Realm: "\x7f"}},
		{"line break in a custom method", "Signer: Name: has", oauth1.Config{ConsumerKey: "c", Custom: custom{name: "X\n"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			signer, err := oauth1.New(c.config)
			assert.Nil(t, signer)
			require.ErrorContains(t, err, c.want)
			assert.Regexp(t, `^[A-Z][A-Za-z]+: `, err.Error())
		})
	}
}

func TestNewReportsAllProblemsAtOnce(t *testing.T) {
	_, err := oauth1.New(oauth1.Config{TokenSecret: "canary\n", Realm: "\x00", Method: "HMAC-MD5"})
	for _, want := range []string{"ClientID: is empty", "without a Token", "TokenSecret: has", "Realm: has", "SignatureMethod: unknown value"} {
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "canary")
	for line := range strings.Lines(err.Error()) {
		assert.Regexp(t, `^[A-Z][A-Za-z]+: `, line)
	}
	_, err = oauth1.New(oauth1.Config{Custom: custom{name: "X\r"}, Method: oauth1.RSASHA1})
	assert.ErrorContains(t, err, "ClientID: is empty")
	assert.ErrorContains(t, err, "Signer: replaces")
	assert.ErrorContains(t, err, "Signer: Name: has")
}

func TestSignRefusesBadArguments(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c"})
	req, _ := newRequest(t, "GET", "https://h/", "")
	for _, s := range []oauth1.Stamp{{}, {Nonce: "n"}, {Nonce: "n", Timestamp: -1}} {
		_, err := signer.Sign(req, nil, s)
		assert.ErrorContains(t, err, "needs a positive timestamp")
	}
	for _, name := range []string{"", "realm", "oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_version", "oauth_timestamp", "oauth_nonce", "oauth_signature"} {
		_, err := signer.Sign(req, nil, stamp, oauth1.Param{Name: name, Value: "x"})
		assert.ErrorContains(t, err, fmt.Sprintf("cannot take %q", name))
	}
	_, err := signer.Sign(req, nil, stamp, oauth1.Param{Name: "a"}, oauth1.Param{Name: "b"}, oauth1.Param{Name: "a"})
	assert.ErrorContains(t, err, `"a" twice`)
	_, err = signer.Sign(req, nil, stamp, oauth1.Param{Name: "a", Value: "secret\n"})
	require.ErrorContains(t, err, `"a" has a control character`)
	assert.NotContains(t, err.Error(), "secret")
}

func TestTwoLeggedSendsNoToken(t *testing.T) {
	req, _ := newRequest(t, "GET", "https://h/", "")
	params, err := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s"}).Sign(req, nil, stamp)
	require.NoError(t, err)
	assert.NotContains(t, params.Header(), "oauth_token")
	assert.Contains(t, params.Header(), `oauth_version="1.0"`)
}

// A form is signed only if the caller says that the body is one.
func TestOtherBodiesAreNotSigned(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s"})
	plain, _ := newRequest(t, "POST", "https://h/", "")
	want, err := signer.Sign(plain, nil, stamp)
	require.NoError(t, err)
	json, _ := http.NewRequest("POST", "https://h/", strings.NewReader(`{"a":1}`))
	json.Header.Set("Content-Type", "application/json")
	got, err := signer.Sign(json, nil, stamp)
	require.NoError(t, err)
	assert.Equal(t, want.Header(), got.Header())
}

// touchy is a body that must be left alone.
type touchy struct{ t *testing.T }

func (b touchy) Read([]byte) (int, error) { b.t.Error("Sign read the body"); return 0, io.EOF }
func (b touchy) Close() error             { b.t.Error("Sign closed the body"); return nil }

func TestSignModifiesNothing(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s", Token: "t", TokenSecret: "u", Realm: "r"})
	req, form := newRequest(t, "post", "HTTPS://Example.COM:443/a%2fb?z=1&a=%zz", "c=d&b=+")
	req.Body = touchy{t}
	extra := []oauth1.Param{{Name: "oauth_verifier", Value: "v"}, {Name: "oauth_callback", Value: "oob"}}

	before, address, header, formBefore, extraBefore := *req, *req.URL, req.Header.Clone(), bytes.Clone(form), slices.Clone(extra)
	params, err := signer.Sign(req, form, stamp, extra...)
	require.NoError(t, err)
	params.Form(form)
	assert.Equal(t, address, *req.URL)
	assert.Equal(t, header, req.Header)
	assert.Equal(t, formBefore, form)
	assert.Equal(t, extraBefore, extra)
	assert.Equal(t, before.Method, req.Method)
	assert.Equal(t, before.Host, req.Host)
	assert.Equal(t, before.Body, req.Body)
	assert.Equal(t, before.ContentLength, req.ContentLength)
}

func TestPlaintextNeedsHTTPS(t *testing.T) {
	for _, signer := range []*oauth1.Signer{
		newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "canary", Method: oauth1.Plaintext}),
		newSigner(t, oauth1.Config{ConsumerKey: "c", Custom: custom{name: "PLAINTEXT", signature: "canary&"}}),
	} {
		for address, allowed := range map[string]bool{
			"https://api.example.com/":      true,
			"HTTPS://api.example.com/":      true,
			"http://api.example.com/":       false,
			"http://localhost.example.com/": false,
			"http://10.0.0.1/":              false,
			"http://0.0.0.0/":               false,
			"http://127.0.0.1.example.com/": false,
			"http://localhost:8080/":        true,
			"http://LOCALHOST/":             true,
			"http://127.0.0.1:8080/":        true,
			"http://127.1.2.3/":             true,
			"http://[::1]:8080/":            true,
			"http://[::ffff:127.0.0.1]/":    true,
			"http://[2001:db8::1]/":         false,
		} {
			req, _ := newRequest(t, "GET", address, "")
			params, err := signer.Sign(req, nil, stamp)
			if allowed {
				require.NoError(t, err, address)
				assert.Equal(t, "canary&", headerParam(t, params.Header(), "oauth_signature"))
			} else {
				require.ErrorContains(t, err, "use https", address)
				assert.NotContains(t, err.Error(), "canary")
			}
		}
	}
	// What counts is where the request goes and not what it calls the host.
	req, _ := newRequest(t, "GET", "http://api.example.com/", "")
	req.Host = "localhost"
	_, err := newSigner(t, oauth1.Config{ConsumerKey: "c", Method: oauth1.Plaintext}).Sign(req, nil, stamp)
	assert.ErrorContains(t, err, "use https")
}

// Servers such as python3-oauthlib take 20 to 30 letters and digits.
func TestNonceIsTakenEverywhere(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s"})
	req, _ := newRequest(t, "GET", "https://h/", "")
	form := regexp.MustCompile(`^[A-Za-z0-9]{20,30}$`)
	seen, letters := make(map[string]bool), make(map[rune]bool)
	for range 1000 {
		params, err := signer.Sign(req, nil, oauth1.Stamp{Timestamp: 1})
		require.NoError(t, err)
		nonce := headerParam(t, params.Header(), "oauth_nonce")
		params.Release()
		assert.Regexp(t, form, nonce)
		assert.False(t, seen[nonce], "a nonce comes once")
		seen[nonce] = true
		for _, letter := range nonce {
			letters[letter] = true
		}
	}
	assert.Len(t, letters, 32, "five random bits each")
}

// 100,000 signatures by 50 goroutines (10,000 under the race detector, which is
// slow): no (timestamp, nonce) comes twice, and nothing of one request is seen
// in another.
func TestConcurrentSignatures(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s", Token: "t", TokenSecret: "u"})
	const goroutines = 50
	each := race.Fewer(2000, 200)
	headers := make([][]string, goroutines)
	var running sync.WaitGroup
	for g := range goroutines {
		running.Add(1)
		go func() {
			defer running.Done()
			headers[g] = make([]string, each)
			for i := range each {
				req, form := newRequest(t, "POST", fmt.Sprintf("https://h/%d?i=%d", g, i), strings.Repeat("x", i%97))
				stamp := oauth1.Stamp{Timestamp: int64(1 + i)}
				params, err := signer.Sign(req, form, stamp)
				if !assert.NoError(t, err) {
					return
				}
				headers[g][i] = params.Header()
				params.Release()
				if i%8 > 0 {
					continue // checking one in eight is slow enough
				}
				base, err := oauth1.BaseString(req, form,
					oauth1.Param{Name: "oauth_consumer_key", Value: "c"},
					oauth1.Param{Name: "oauth_token", Value: "t"},
					oauth1.Param{Name: "oauth_signature_method", Value: "HMAC-SHA1"},
					oauth1.Param{Name: "oauth_version", Value: "1.0"},
					oauth1.Param{Name: "oauth_timestamp", Value: fmt.Sprint(stamp.Timestamp)},
					oauth1.Param{Name: "oauth_nonce", Value: headerParam(t, headers[g][i], "oauth_nonce")})
				if !assert.NoError(t, err) {
					return
				}
				mac := hmac.New(sha1.New, []byte("s&u"))
				io.WriteString(mac, base)
				if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); want != headerParam(t, headers[g][i], "oauth_signature") {
					t.Errorf("request %d of goroutine %d has another one's signature", i, g)
				}
			}
		}()
	}
	running.Wait()
	seen := make(map[string]bool, goroutines*each)
	for g := range headers {
		for _, header := range headers[g] {
			seen[headerParam(t, header, "oauth_timestamp")+" "+headerParam(t, header, "oauth_nonce")] = true
		}
	}
	assert.Len(t, seen, goroutines*each)
}

func TestNothingPrintsSecrets(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "canary1", Token: "canary2", TokenSecret: "canary3", Method: oauth1.Plaintext})
	req, _ := newRequest(t, "GET", "https://h/", "")
	params, err := signer.Sign(req, nil, stamp)
	require.NoError(t, err)
	require.Contains(t, params.Header(), "canary1%26canary3")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{signer, params, &params, []any{signer, params}} {
			printed := fmt.Sprintf(verb, value)
			assert.NotContains(t, printed, "canary")
			assert.NotContains(t, printed, fmt.Sprintf("%x", "canary"))
		}
	}
	assert.Equal(t, "OAuth1 signer (PLAINTEXT)", fmt.Sprint(signer))
	assert.Equal(t, "OAuth1 parameters", fmt.Sprint(params))
}
