package oauth1_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/oauth1"
)

func sign(t *testing.T, config oauth1.Config, extra ...oauth1.Param) oauth1.Params {
	t.Helper()
	config.ConsumerKey = "key &"
	req, _ := newRequest(t, "GET", "https://h/", "")
	params, err := newSigner(t, config).Sign(req, nil, oauth1.Stamp{Nonce: "n+", Timestamp: 7}, extra...)
	require.NoError(t, err)
	return params
}

func TestHeaderPlacement(t *testing.T) {
	params := sign(t, oauth1.Config{ConsumerSecret: "s", Token: "t=", Method: oauth1.Plaintext}, oauth1.Param{Name: "oauth_callback", Value: ""})
	assert.Equal(t, `OAuth oauth_consumer_key="key%20%26", oauth_token="t%3D", oauth_signature_method="PLAINTEXT", oauth_version="1.0", `+
		`oauth_timestamp="7", oauth_nonce="n%2B", oauth_callback="", oauth_signature="s%26"`, params.Header())
}

// The realm is a quoted-string of HTTP and not percent-encoded (section
// 3.5.1; the RFC writes realm="http://server.example.com/" itself).
func TestRealmIsAQuotedString(t *testing.T) {
	for realm, want := range map[string]string{
		"Example":                    `OAuth realm="Example", oauth_consumer_key=`,
		"http://server.example.com/": `OAuth realm="http://server.example.com/", oauth_consumer_key=`,
		`http://x/ "q"`:              `OAuth realm="http://x/ \"q\"", oauth_consumer_key=`,
		`back\slash`:                 `OAuth realm="back\\slash", oauth_consumer_key=`,
		"1234567_SB1":                `OAuth realm="1234567_SB1", oauth_consumer_key=`,
		"":                           `OAuth oauth_consumer_key=`,
	} {
		header := sign(t, oauth1.Config{Realm: realm}).Header()
		assert.True(t, strings.HasPrefix(header, want), header)
	}
}

// A header that is longer than its buffer on the stack.
func TestLongHeader(t *testing.T) {
	token := strings.Repeat("token", 400)
	assert.Equal(t, token, headerParam(t, sign(t, oauth1.Config{Token: token}).Header(), "oauth_token"))
}

func TestQueryAndFormPlacement(t *testing.T) {
	const oauth = "oauth_consumer_key=key%20%26&oauth_signature_method=PLAINTEXT&oauth_version=1.0&oauth_timestamp=7&oauth_nonce=n%2B&oauth_signature=s%26"
	params := sign(t, oauth1.Config{ConsumerSecret: "s", Realm: "not for queries", Method: oauth1.Plaintext})
	assert.Equal(t, oauth, params.Query(""))
	assert.Equal(t, "a=%zz;&"+oauth, params.Query("a=%zz;"))
	assert.Equal(t, oauth, string(params.Form(nil)))

	form := make([]byte, 3, 1000)
	copy(form, "a=1")
	assert.Equal(t, "a=1&"+oauth, string(params.Form(form)))
	assert.Equal(t, make([]byte, 100), form[3:103], "the caller's array was written to")
}

// Wherever the parameters are placed, the server reads the same base string.
func TestPlacementDoesNotChangeTheSignature(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s", NoVersion: true})
	req, form := newRequest(t, "POST", "https://h/?q=1", "f=2")
	params, err := signer.Sign(req, form, stamp)
	require.NoError(t, err)
	want, err := oauth1.BaseString(req, form,
		oauth1.Param{Name: "oauth_consumer_key", Value: "c"},
		oauth1.Param{Name: "oauth_signature_method", Value: "HMAC-SHA1"},
		oauth1.Param{Name: "oauth_timestamp", Value: "1"},
		oauth1.Param{Name: "oauth_nonce", Value: "n"})
	require.NoError(t, err)

	got, err := oauth1.BaseString(req, params.Form(form))
	require.NoError(t, err)
	assert.Equal(t, want, got)
	req.URL.RawQuery = params.Query(req.URL.RawQuery)
	got, err = oauth1.BaseString(req, form)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Equal(t, headerParam(t, params.Header(), "oauth_signature"), req.URL.Query().Get("oauth_signature"))
}

// Parameters survive the way through each placement and a form decoder.
func TestParametersSurviveEncoding(t *testing.T) {
	const value = "a b+c&d=e%41\"ü~"
	params := sign(t, oauth1.Config{}, oauth1.Param{Name: "oauth_callback", Value: value})
	query, err := url.ParseQuery(params.Query(""))
	require.NoError(t, err)
	assert.Equal(t, value, query.Get("oauth_callback"))
	assert.Equal(t, value, headerParam(t, params.Header(), "oauth_callback"))
}

func TestStripLeavesEverythingElse(t *testing.T) {
	for form, want := range map[string]string{
		"":                                  "",
		"&":                                 "&",
		"a=%zz&b;&oauth_callback=x&":        "a=%zz&b;&oauth_callback=x&",
		"oauth_token=x":                     "",
		"oauth_token":                       "",
		"a=1&oauth_token=x&b=2":             "a=1&b=2",
		"oauth_token=x&a=1&oauth_nonce=y":   "a=1",
		"%6fauth%5Ftoken=x&a=oauth_token":   "a=oauth_token",
		"oauth_tokens=1&xoauth_token=2":     "oauth_tokens=1&xoauth_token=2",
		"OAuth_token=1&oauth_token%zz=2":    "OAuth_token=1&oauth_token%zz=2",
		"oauth_version=1.0&&oauth_version=": "",
	} {
		assert.Equal(t, want, oauth1.Strip(form))
		assert.Equal(t, want, string(oauth1.Strip([]byte(form))))
	}
	for _, name := range oauth1.Names {
		assert.Equal(t, "a=1", oauth1.Strip("a=1&"+name+"=2"))
	}
}
