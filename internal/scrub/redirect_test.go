package scrub_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const api = "https://api.example/v1?page=2"

// with returns the URL api with further parameters, in pairs of name and value.
func with(params ...string) string {
	sent := api
	for i := 0; i < len(params); i += 2 {
		sent += "&" + url.QueryEscape(params[i]) + "=" + url.QueryEscape(params[i+1])
	}
	return sent
}

// redirect returns what is left of a location that answers a request to sent.
func redirect(t testing.TB, sent, location string) (string, error) {
	t.Helper()
	h := http.Header{"Location": {location}, "Other": {location}}
	err := scrub.Redirect(h, parse(t, api), parse(t, sent))
	assert.Equal(t, location, h.Get("Other"))
	return h.Get("Location"), err
}

// A parameter that only resembles a credential stays: a redirect to a file needs
// its path and its signature.
func TestRedirectKeepsWhatOnlyResembles(t *testing.T) {
	const demo = "https://api.example/get?file=%2Fdemos%2Freport.csv&X-Amz-Signature=abc"
	for _, location := range []string{
		demo, "?file=%2Fdemos%2Freport.csv&X-Amz-Signature=abc", "/demo/x?y=demos#demo-1", "/demo", "?q=a+demo", "?q=demo.", "?monkey=demonstration",
		"?next=%2Fdemo%2Fx", "https://demo.example/", "//demo@h/", "?u=https%3A%2F%2Fh%2F%3Fmonkey%3Ddemo", "?u=https%3A%2F%2Fh%2F%3Fkey%3Ddemos",
	} {
		kept, err := redirect(t, with("key", "demo"), location)
		require.NoError(t, err, location)
		assert.Equal(t, location, kept)
	}
	for _, location := range []string{
		"/password/reset", "?file=%2Fpassword%2Freset&X-Amz-Signature=abc", "/new-password?a=my+password#the_password", "https://password.example/",
	} {
		kept, err := redirect(t, with("key", "password"), location)
		require.NoError(t, err, location)
		assert.Equal(t, location, kept)
	}
}

// oauth1 are the protocol parameters of OAuth1 in a query.
func oauth1(now string) []string {
	return []string{
		"oauth_consumer_key", "the-client-id", "oauth_signature_method", "HMAC-SHA1", "oauth_timestamp", now, "oauth_nonce", "nonce-of-16-bytes",
		"oauth_version", "1.0", "oauth_body_hash", "aGFzaCBvZiBib2R5", "oauth_token", "token-of-account", "oauth_signature", "c2lnbmF0dXJlIG9mIDE=",
	}
}

// Time stamp, method and client ID are not secrets. Under their own names they
// are a repetition.
func TestRedirectOfOAuth1(t *testing.T) {
	now := fmt.Sprint(time.Now().Unix())
	params := oauth1(now)
	for location, want := range map[string]string{
		"?st=" + now + "&alg=HMAC-SHA1&user=the-client-id":           "?st=" + now + "&alg=HMAC-SHA1&user=the-client-id",
		"/at/" + now + "/the-client-id/HMAC-SHA1?v=1.0":              "/at/" + now + "/the-client-id/HMAC-SHA1?v=1.0",
		"?n=nonce-of-16-bytes&h=aGFzaCBvZiBib2R5":                    "?n=nonce-of-16-bytes&h=aGFzaCBvZiBib2R5",
		"?a=1&t=token-of-account":                                    "?a=1",
		"?a=1&s=c2lnbmF0dXJlIG9mIDE%3D":                              "?a=1",
		"/next?" + strings.TrimPrefix(with(params...), api+"&"):      "/next",
		"/next?a=1" + strings.TrimPrefix(with(params...), api):       "/next?a=1",
		"?u=" + url.QueryEscape(with("oauth_timestamp", now)) + "&b": "?b",
		"?oauth_version=1.0&oauth_version=2.0":                       "?oauth_version=2.0",
		"#" + now + "/token-of-account":                              "",
		"#" + now + "/the-client-id":                                 "#" + now + "/the-client-id",
	} {
		kept, err := redirect(t, with(params...), location)
		require.NoError(t, err, location)
		assert.Equal(t, want, kept, location)
	}
}

const secret = "Zm9v/YmFy+cXV4" // 14 bytes, each kind of byte

func TestRedirectLosesRepetitions(t *testing.T) {
	escaped := url.QueryEscape(secret)
	nested := func(depth int) string {
		text := "https://api.example/v1?page=2&api_key=" + escaped
		for range depth {
			text = url.QueryEscape(text)
		}
		return text
	}
	for name, test := range map[string][2]string{
		"query":              {"https://api.example/v2?page=2&api_key=" + escaped, "https://api.example/v2?page=2"},
		"foreign":            {"https://other.example/?api_key=" + escaped + "&x=1", "https://other.example/?x=1"},
		"in the middle":      {"/v2?a=1&api_key=" + escaped + "&b=2", "/v2?a=1&b=2"},
		"alone":              {"/v2?api_key=" + escaped, "/v2"},
		"alone, relative":    {"?api_key=" + escaped, ""},
		"scheme relative":    {"//h/?api_key=" + escaped + "#f", "//h/#f"},
		"as it is":           {"/v2?api_key=" + secret + "&a=1", "/v2?a=1"},
		"twice":              {"/v2?api_key=" + escaped + "&a&api_key=" + escaped, "/v2?a"},
		"another name":       {"/v2?token=" + escaped + "&a=1", "/v2?a=1"},
		"another spelling":   {"/v2?api%5Fkey=Zm9v%2fYmFy%2bcXV4&a=1", "/v2?a=1"},
		"every byte":         {"/v2?api_key=" + everyByte(secret) + "&a=1", "/v2?a=1"},
		"twice encoded":      {"/v2?k=" + url.QueryEscape(escaped) + "&a=1", "/v2?a=1"},
		"no name":            {"/v2?" + escaped + "&a=1", "/v2?a=1"},
		"nested component":   {"/login?return=/v1/" + escaped + "/x&a=1", "/login?a=1"},
		"login page":         {"/login?return=" + nested(1) + "&a=1", "/login?a=1"},
		"nested twice":       {"/login?return=" + nested(2) + "&a=1", "/login?a=1"},
		"five encodings":     {"/login?return=" + nested(4) + "&a=1", "/login?a=1"},
		"nested path":        {"/login?return=%2Fv1%3Fapi_key%3D" + escaped, "/login"},
		"in JSON":            {"/login?state=" + url.QueryEscape(`{"u":"/v1?api_key=`+escaped+`"}`) + "&a=1", "/login?a=1"},
		"in brackets":        {"/login?state=(/v1?api_key=" + escaped + ")&a=1", "/login?a=1"},
		"fragment":           {"/v2?a=1#api_key=" + escaped, "/v2?a=1"},
		"route in fragment":  {"/v2#/users/" + url.PathEscape(secret), "/v2"},
		"other fragment":     {"/v2?api_key=" + escaped + "#section-2", "/v2#section-2"},
		"user info":          {"https://user:" + url.PathEscape(secret) + "@h/x?a=1", "https://h/x?a=1"},
		"user name":          {"https://" + escaped + "@h/x", "https://h/x"},
		"other user":         {"https://user:x@h/x?api_key=" + escaped, "https://user:x@h/x"},
		"user at":            {"//u@" + escaped + "@h", "//h"},
		"semicolon":          {"/v2?a=1;api_key=" + escaped + ";b=2", "/v2?a=1;b=2"},
		"semicolon and amp":  {"/v2?a=1;api_key=" + escaped + "&b=2;c", "/v2?a=1&b=2;c"},
		"semicolon, renamed": {"/v2?a=1;token=" + escaped + ";b=2", "/v2?a=1;b=2"},
		"broken escape":      {"/v2?a=%zz&api_key=" + escaped, "/v2?a=%zz"},
		"broken in the same": {"/v2?u=%zz?api_key%3D" + escaped + "%&b=2", "/v2?b=2"},
		"all other bytes":    {"/V2/%41?A=%7e+%20&&=&x;;api_key=" + escaped + "&#%zz", "/V2/%41?A=%7e+%20&&=&x;&#%zz"},
		"nothing repeated":   {"/v2?&a=1&&b#", "/v2?&a=1&&b#"},
		"empty query":        {"/v2?", "/v2?"},
		"value changed":      {"/v2?api_key=other", "/v2?api_key=other"},
		"caller's parameter": {"/v2?page=2", "/v2?page=2"},
	} {
		kept, err := redirect(t, with("api_key", secret), test[0])
		require.NoError(t, err, name)
		assert.Equal(t, test[1], kept, name)
	}
}

// A repetition that cannot be taken out ends the redirect.
func TestRedirectThatRepeatsElsewhereIsRefused(t *testing.T) {
	for _, location := range []string{
		"https://api.example/v1/" + url.PathEscape(secret), "/" + everyByte(secret) + "/x", "/x;api_key=" + url.PathEscape(secret) + "/y",
		"/x;" + url.PathEscape(secret), "/" + url.QueryEscape(url.QueryEscape(secret)), "/api_key=" + secret + "?a=1", "/%zz/" + secret, "/(" + secret + ")",
		"https:" + url.PathEscape(secret), "https://u:p@h/" + secret, "https://h/x@y/" + secret,
	} {
		kept, err := redirect(t, with("api_key", secret), location)
		assert.ErrorContains(t, err, "the redirect is not followed", location)
		assert.NotContains(t, err.Error(), "Zm9v")
		assert.Equal(t, location, kept, "nothing half done")
	}
	// From 16 bytes on, it does not matter what stands around the value.
	const long = "0123456789abcdef"
	for _, location := range []string{
		"https://" + long + ".example/", "/file-" + long + ".zip", "/v1/" + everyByte(long) + "x",
	} {
		_, err := redirect(t, with("api_key", long), location)
		assert.ErrorContains(t, err, "the redirect is not followed", location)
	}
	kept, err := redirect(t, with("api_key", long), "/v1#x"+long+"y")
	require.NoError(t, err)
	assert.Equal(t, "/v1", kept)
}

// A server that repeats a value without encoding it cuts it into several
// parameters.
func TestRedirectThatRepeatsSeparators(t *testing.T) {
	for value, test := range map[string][2]string{
		"se;cret-of-16-bytes": {"/x?a=1&key=se;cret-of-16-bytes&b=2", "/x?a=1&b=2"},
		"secret":              {"/x?a=1;key=secret;b=2", "/x?a=1;b=2"},
	} {
		kept, err := redirect(t, with("key", value), test[0])
		require.NoError(t, err)
		assert.Equal(t, test[1], kept)
	}
	for _, value := range []string{"se&cret-of-16-byte", "se#cret-of-16-byte", "se?cret-of-16-byte"} {
		kept, err := redirect(t, with("key", value), "/x?a=1&key="+value+"&b=2")
		if err == nil {
			assert.NotContains(t, kept, value)
		}
	}
	_, err := redirect(t, with("key", "se&cret-of-16-byte"), "/x?a=1&key=se&cret-of-16-byte&b=2")
	assert.ErrorContains(t, err, "the redirect is not followed")
}

// Short values are ordinary words. They are a repetition under their own name.
func TestRedirectWithShortValues(t *testing.T) {
	for _, test := range [][3]string{ // value, location, what is left
		{"1", "/1?key=1&a=1#1", "/1?a=1#1"}, {"abc", "/abc?key=abc&a=abc", "/abc?a=abc"}, {"abc", "/x?u=%3Fkey%3Dabc", "/x?u=%3Fkey%3Dabc"},
		{"abcd", "/abcd?a=abcd&b", "/abcd?b"}, {"abcd", "/x?u=%3Fkey%3Dabcd&b", "/x?b"}, {"abcd", "/x#key=abcd", "/x"}, {"abcd", "/x#abcd", "/x#abcd"},
		{"abcdefg", "/abcdefg", "/abcdefg"}, {"", "/x?key=&a=1", "/x?a=1"},
		{"1", "/x?k%65y=1&a=1", "/x?a=1"}, {"1", "/x?a;key=1;b", "/x?a;b"}, {"abcd", "/x#monkey=abcd&key=abcd", "/x"},
		{"abcd", "/x?u=%3Fkey%3Dabcd%C3%A9", "/x?u=%3Fkey%3Dabcd%C3%A9"},
	} {
		kept, err := redirect(t, with("key", test[0]), test[1])
		require.NoError(t, err, test[1])
		assert.Equal(t, test[2], kept, test[1])
	}
	_, err := redirect(t, with("key", "abcd"), "/x;key=abcd/y")
	assert.Error(t, err)
}

func TestNoRedirectAndNothingAdded(t *testing.T) {
	h := http.Header{}
	require.NoError(t, scrub.Redirect(h, parse(t, api), parse(t, with("key", secret))))
	assert.Empty(t, h)
	location := "/x?page=2&api_key=" + secret
	kept, err := redirect(t, api, location)
	require.NoError(t, err)
	assert.Equal(t, location, kept)
}

func TestRedirectWithAnEmptySecret(t *testing.T) {
	const location = "/x?&a=1&&=&b=#"
	h := http.Header{"Location": {location}}
	require.NoError(t, scrub.Redirect(h, parse(t, api), parse(t, api), ""))
	assert.Equal(t, location, h.Get("Location"))
}

// Some servers see a parameter between semicolons, and repeat that alone.
func TestRedirectOfACredentialBetweenSemicolons(t *testing.T) {
	kept, err := redirect(t, api+"&a=1;key=abcdefgh", "/x?key=abcdefgh&b=2")
	require.NoError(t, err)
	assert.Equal(t, "/x?b=2", kept)
}

func TestRedirectOfANameWithASpace(t *testing.T) {
	kept, err := redirect(t, with("api key", "1"), "/x?api+key=1&a=1")
	require.NoError(t, err)
	assert.Equal(t, "/x?a=1", kept)
}

// The first of two places that overlap is a part of another word.
func TestRedirectThatRepeatsAfterAnOverlap(t *testing.T) {
	const value = "a/a/a/a/a/a/a"
	_, err := redirect(t, with("key", value), "/xa/"+value)
	assert.ErrorContains(t, err, "the redirect is not followed")
}

// everyByte percent-encodes every byte of s.
func everyByte(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02x", s[i])
	}
	return b.String()
}

// A value of 16 bytes or more is in no text by chance.
func TestLongSecretLeavesTheQueryWhereverItStands(t *testing.T) {
	const secret = "0123456789abcdef"
	for _, parameter := range []string{
		secret, secret + "=1", "next=/a/" + secret, "next=https%3A%2F%2Fh%2Fa%2F" + secret + "%2Fb", "auth=Bearer%20" + secret,
		"auth=key:" + secret, "state=%7B%22key%22%3A%22" + secret + "%22%7D", "x=a." + secret + ".html", "keys=1," + secret,
	} {
		kept, err := redirect(t, with("key", secret), "https://other.example/login?a=1&"+parameter+"&b=2")
		require.NoError(t, err, parameter)
		assert.Equal(t, "https://other.example/login?a=1&b=2", kept, parameter)
	}
}
