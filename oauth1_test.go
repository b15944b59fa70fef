package connectorauth_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const formType = "application/x-www-form-urlencoded"

// issued returns a config with a token that p issued.
func issued(p *authtest.Provider) connectorauth.OAuth1Config {
	token, secret := p.IssueOAuth1Token()
	return connectorauth.OAuth1Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret),
		Token: token, TokenSecret: connectorauth.Secret(secret),
	}
}

// provider returns one that is reached through memory.
func provider(t *testing.T, config authtest.Config) *authtest.Provider {
	config.InMemory = true
	p := authtest.New(config)
	t.Cleanup(p.Close)
	return p
}

// do sends a request with c and returns status and body of the answer.
func do(t *testing.T, c connectorauth.Connector, base *http.Client, method, address, contentType, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := connectorauth.NewClient(c, base).Do(req)
	return read(t, resp, err)
}

// stamps returns nonce and timestamp of each request that arrived.
func stamps(requests []authtest.Request) (list []string) {
	for _, r := range requests {
		everything := r.Header.Get("Authorization") + "&" + r.URL.RawQuery + "&" + string(r.Body)
		list = append(list, fmt.Sprint(regexp.MustCompile(`oauth_(nonce|timestamp)="?\w+`).FindAllString(everything, -1)))
	}
	return list
}

// rsaKey returns the throw-away key of the test cases on wiki.oauth.net.
func rsaKey(t *testing.T) *rsa.PrivateKey {
	block, _ := pem.Decode([]byte(publishedRSAKey))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	return key.(*rsa.PrivateKey)
}

const publishedRSAKey = `-----BEGIN PRIVATE KEY-----
MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALRiMLAh9iimur8V
A7qVvdqxevEuUkW4K+2KdMXmnQbG9Aa7k7eBjK1S+0LYmVjPKlJGNXHDGuy5Fw/d
7rjVJ0BLB+ubPK8iA/Tw3hLQgXMRRGRXXCn8ikfuQfjUS1uZSatdLB81mydBETlJ
hI6GH4twrbDJCR2Bwy/XWXgqgGRzAgMBAAECgYBYWVtleUzavkbrPjy0T5FMou8H
X9u2AC2ry8vD/l7cqedtwMPp9k7TubgNFo+NGvKsl2ynyprOZR1xjQ7WgrgVB+mm
uScOM/5HVceFuGRDhYTCObE+y1kxRloNYXnx3ei1zbeYLPCHdhxRYW7T0qcynNmw
rn05/KO2RLjgQNalsQJBANeA3Q4Nugqy4QBUCEC09SqylT2K9FrrItqL2QKc9v0Z
zO2uwllCbg0dwpVuYPYXYvikNHHg+aCWF+VXsb9rpPsCQQDWR9TT4ORdzoj+Nccn
qkMsDmzt0EfNaAOwHOmVJ2RVBspPcxt5iN4HI7HNeG6U5YsFBb+/GZbgfBT3kpNG
WPTpAkBI+gFhjfJvRw38n3g/+UeAkwMI2TJQS4n8+hid0uus3/zOjDySH3XHCUno
cn1xOJAyZODBo47E+67R4jV1/gzbAkEAklJaspRPXP877NssM5nAZMU0/O/NGCZ+
3jPgDUno6WbJn5cqm8MqWhW1xGkImgRk+fkDBquiq4gPiT898jusgQJAd5Zrr6Q8
AO/0isr/3aa6O6NLQxISLKcPDk2NOccAfS/xOtfOz4sJYM3+Bs4Io9+dZGSDCA54
Lw03eHTNQghS0A==
-----END PRIVATE KEY-----
`

// authtest verifies by its own reading of the RFC.
func TestOAuth1MethodsAndPlaces(t *testing.T) {
	key := rsaKey(t)
	p := provider(t, authtest.Config{RSAPublicKey: &key.PublicKey})
	for _, method := range []dialect.SignatureMethod{
		"", dialect.HMACSHA1, dialect.HMACSHA256, dialect.HMACSHA512,
		dialect.RSASHA1, dialect.RSASHA256, dialect.RSASHA512, dialect.Plaintext,
	} {
		for name, in := range map[string]dialect.Location{"header": dialect.InHeader, "query": dialect.InQuery, "body": dialect.InBody} {
			t.Run(string(method)+" "+name, func(t *testing.T) {
				config := issued(p)
				config.SignatureMethod, config.In = method, in
				if strings.HasPrefix(string(method), "RSA") {
					config.PrivateKey = crypto.Signer(key)
				}
				c := must(connectorauth.NewOAuth1(config))
				status, answer := do(t, c, p.Client(), "POST", p.OAuth1URL+"/p%2fq?a=2&a=1&b=%zz;c&d[]=é", formType+"; charset=UTF-8", "a=3&x+y=%2B&z")
				assert.Equal(t, 200, status, answer)
				status, answer = do(t, c, p.Client(), "POST", p.OAuth1URL, formType, "")
				assert.Equal(t, 200, status, answer)
				if in != dialect.InBody {
					status, answer = do(t, c, p.Client(), "PATCH", p.OAuth1URL+"?", "application/json", `{"a":1}`)
					assert.Equal(t, 200, status, answer)
				}
				for _, r := range p.Requests(p.OAuth1URL) {
					assert.NotContains(t, r.Header.Get("Authorization")+r.URL.RawQuery+string(r.Body), "oauth_body_hash")
				}
			})
		}
	}
}

func TestOAuth1PlacesNothingElsewhere(t *testing.T) {
	for in, want := range map[dialect.Location]string{
		dialect.InHeader: "header", dialect.InQuery: "query", dialect.InBody: "body",
	} {
		p := provider(t, authtest.Config{})
		config := issued(p)
		config.In = in
		_, answer := do(t, must(connectorauth.NewOAuth1(config)), p.Client(), "POST", p.OAuth1URL+"?a=1", formType, "b=2")
		r := p.Requests(p.OAuth1URL)[0]
		var places []string
		for place, text := range map[string]string{"header": r.Header.Get("Authorization"), "query": r.URL.RawQuery, "body": string(r.Body)} {
			if strings.Contains(text, "oauth_") {
				places = append(places, place)
			}
		}
		assert.Equal(t, []string{want}, places, answer)
		assert.True(t, strings.HasPrefix(r.URL.RawQuery, "a=1"))
		assert.True(t, strings.HasPrefix(string(r.Body), "b=2"))
	}
}

// A protocol parameter may be there once (RFC 5849 section 3.1), and it is the
// connector's.
func TestOAuth1ReplacesTheCallersParameters(t *testing.T) {
	p := provider(t, authtest.Config{})
	for _, in := range []dialect.Location{dialect.InHeader, dialect.InQuery, dialect.InBody} {
		config := issued(p)
		config.In = in
		req, err := http.NewRequest("POST", p.OAuth1URL+"?a=%zz&oauth_token=x&oauth%5Fnonce=y&xoauth_token=1", strings.NewReader("oauth_signature=x&oauth_token&b=2&&oauth_version=3"))
		require.NoError(t, err)
		req.Header.Set("Content-Type", formType)
		req.Header["authorization"] = []string{`OAuth oauth_token="mine"`}
		resp, err := connectorauth.NewClient(must(connectorauth.NewOAuth1(config)), p.Client()).Do(req)
		status, answer := read(t, resp, err)
		require.Equal(t, 200, status, answer)
		r := p.Requests(p.OAuth1URL)
		last := r[len(r)-1]
		assert.True(t, strings.HasPrefix(last.URL.RawQuery, "a=%zz&xoauth_token=1"), last.URL.RawQuery)
		assert.True(t, strings.HasPrefix(string(last.Body), "b=2&"), string(last.Body))
		assert.Equal(t, "a=%zz&oauth_token=x&oauth%5Fnonce=y&xoauth_token=1", req.URL.RawQuery, "the caller's request was changed")
		//lint:ignore SA1008 the caller spelled it like this
		assert.Equal(t, `OAuth oauth_token="mine"`, req.Header["authorization"][0])
	}
}

// With the parameters elsewhere, Authorization is free for others.
func TestOAuth1LeavesOtherAuthorization(t *testing.T) {
	base := &fakehttp.Base{}
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s", In: dialect.InQuery}))
	req, err := http.NewRequest("GET", "https://api.example.com/", nil)
	require.NoError(t, err)
	req.SetBasicAuth("gateway", "password")
	_, err = c.Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(base.Requests()[0].Header.Get("Authorization"), "Basic "))
}

func TestOAuth1InBodyNeedsAForm(t *testing.T) {
	base := &fakehttp.Base{}
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s", In: dialect.InBody}))
	var all fakehttp.Bodies
	for _, contentType := range []string{"", "application/json", "multipart/form-data; boundary=x"} {
		_, err := c.Wrap(base).RoundTrip(all.Request(t, "POST", "https://api.example.com/", contentType, "{}", true))
		require.ErrorIs(t, err, connectorauth.ErrBodyNotInjectable)
		assert.ErrorContains(t, err, "RFC 5849 section 3.5.2")
	}
	assert.Empty(t, base.Requests())
	all.RequireClosedOnce(t)

	for _, replayable := range []bool{true, false} {
		resp, err := c.Wrap(base).RoundTrip(all.Request(t, "POST", "https://api.example.com/", formType, "a=1&oauth_token=2", replayable))
		require.NoError(t, err)
		resp.Body.Close()
	}
	for _, sent := range base.Requests() {
		assert.Regexp(t, `^a=1&oauth_consumer_key=c&.*oauth_signature=`, sent.Body)
		assert.EqualValues(t, len(sent.Body), sent.ContentLength)
		replay, err := sent.GetBody()
		require.NoError(t, err)
		again, err := io.ReadAll(replay)
		require.NoError(t, err)
		assert.Equal(t, sent.Body, string(again))
	}
	all.RequireClosedOnce(t)
}

func TestOAuth1QueryDoesNotLeak(t *testing.T) {
	base := &fakehttp.Base{}
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: "c", ClientSecret: "s", Token: "canary-token", TokenSecret: "u", In: dialect.InQuery,
	}))
	client := connectorauth.NewClient(c, &http.Client{Transport: base})
	base.Answer = func(req *http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(http.StatusFound, "")
		if req.URL.Host != "api.example.com" {
			resp.StatusCode = http.StatusOK
		}
		resp.Header.Set("Location", "https://evil.example/?"+req.URL.RawQuery+"#f") // as http-to-https redirects are written
		return resp, nil
	}
	resp, err := client.Get("https://api.example.com/?a=1")
	require.NoError(t, err)
	assert.Equal(t, "https://evil.example/?a=1#f", resp.Request.URL.String())
	sent := base.Requests()
	require.Len(t, sent, 2)
	assert.Contains(t, sent[0].URL.RawQuery, "oauth_token=canary-token")
	assert.NotContains(t, sent[1].String(), "oauth_")

	base.Answer = func(req *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: req.URL.String(), Err: errBroken}
	}
	_, err = client.Get("https://api.example.com/?a=1")
	require.ErrorIs(t, err, errBroken)
	assert.NotContains(t, err.Error(), "canary")
}

func TestOAuth1BodyHashCoversOtherBodies(t *testing.T) {
	p := provider(t, authtest.Config{})
	config := issued(p)
	config.BodyHash, config.MaxBody = true, 20
	c := must(connectorauth.NewOAuth1(config))
	for _, body := range []string{"", `{"a":1}`, strings.Repeat("x", 20)} {
		p.Inject(p.OAuth1URL, 1, authtest.Answer(307, http.Header{"Location": {"/api/oauth1/moved"}}, ""))
		status, answer := do(t, c, p.Client(), "POST", p.OAuth1URL, "application/json", body)
		assert.Equal(t, 200, status, answer)
		requests := p.Requests(p.OAuth1URL)
		last := requests[len(requests)-1]
		assert.Equal(t, body, string(last.Body))
		assert.Contains(t, last.Header.Get("Authorization"), "oauth_body_hash=")
	}
	status, answer := do(t, c, p.Client(), "POST", p.OAuth1URL, formType, "a=1")
	assert.Equal(t, 200, status, answer) // authtest refuses a form with a hash

	req, err := http.NewRequest("POST", p.OAuth1URL, strings.NewReader(strings.Repeat("x", 21)))
	require.NoError(t, err)
	_, err = connectorauth.NewClient(c, p.Client()).Do(req)
	require.ErrorIs(t, err, connectorauth.ErrBodyNotInjectable)
	assert.ErrorContains(t, err, "20 bytes (MaxBody)")
}

func TestOAuth1SignerSignsInPlaceOfAMethod(t *testing.T) {
	p := provider(t, authtest.Config{})
	config := issued(p)
	config.Signer, config.ClientSecret = &oauth1.HMAC256Signer{ConsumerSecret: p.ClientSecret}, ""
	status, answer := do(t, must(connectorauth.NewOAuth1(config)), p.Client(), "GET", p.OAuth1URL+"?a=2&a=1", "", "")
	assert.Equal(t, 200, status, answer)
	assert.Contains(t, p.Requests(p.OAuth1URL)[0].Header.Get("Authorization"), `oauth_signature_method="HMAC-SHA256"`)
}

// Each sending has its own nonce: redirects on the origin and replays are
// accepted by a provider that takes none twice; foreign origins get none.
func TestOAuth1SignsEachSendingAnew(t *testing.T) {
	foreign := authtest.NewProvider(t)
	for _, in := range []dialect.Location{dialect.InHeader, dialect.InQuery, dialect.InBody} {
		p := authtest.NewProvider(t)
		config := issued(p)
		config.In = in
		c := must(connectorauth.NewOAuth1(config))
		p.Inject(p.OAuth1URL, 1, authtest.Answer(308, http.Header{"Location": {"/api/oauth1/moved"}}, ""))
		status, answer := do(t, c, p.Client(), "POST", p.OAuth1URL, formType, "a=1")
		require.Equal(t, 200, status, answer)
		list := stamps(p.Requests(p.OAuth1URL))
		require.Len(t, list, 2)
		assert.NotEqual(t, list[0], list[1])
		assert.Len(t, strings.Fields(list[0]), 2)

		p.Inject(p.OAuth1URL, 1, authtest.Answer(307, http.Header{"Location": {foreign.OAuth1URL}}, ""))
		status, _ = do(t, c, p.Client(), "POST", p.OAuth1URL, formType, "a=1")
		assert.Equal(t, 401, status)
	}
	for _, r := range foreign.Requests("") {
		assert.NotContains(t, fmt.Sprint(r.Header, r.URL, string(r.Body)), "oauth_")
	}
}

// The redirect after a form leads to a page, and nothing is left to carry the
// parameters.
func TestOAuth1InBodySurvivesSeeOther(t *testing.T) {
	p := authtest.NewProvider(t)
	config := issued(p)
	config.In = dialect.InBody
	p.Inject(p.OAuth1URL, 1, authtest.Answer(303, http.Header{"Location": {"/api/open"}}, ""))
	status, answer := do(t, must(connectorauth.NewOAuth1(config)), p.Client(), "POST", p.OAuth1URL, formType, "a=1")
	assert.Equal(t, 200, status, answer)
	assert.Empty(t, p.Requests(p.OpenURL)[0].Body)
}

// Whatever a server asks for, requests are signed by the configured method.
func TestOAuth1MethodIsNotTheServersChoice(t *testing.T) {
	challenge := http.Header{
		"Www-Authenticate": {`OAuth oauth_problem=signature_method_rejected,oauth_acceptable_signature_methods="PLAINTEXT"`, `Basic realm="x"`},
		"Date":             {"Thu, 01 Jan 1970 00:00:00 GMT"},
	}
	base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(http.StatusUnauthorized, "oauth_signature_method=PLAINTEXT")
		resp.Header = challenge
		return resp, nil
	}}
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: "client", ClientSecret: clientSecret, Token: oauth1Token, TokenSecret: tokenSecret, SignatureMethod: dialect.HMACSHA256,
	}))
	for range 3 {
		code, _ := get(t, c, &http.Client{Transport: base}, home)
		assert.Equal(t, http.StatusUnauthorized, code)
	}
	require.Len(t, base.Requests(), 3)
	for _, r := range base.Requests() {
		assert.Contains(t, r.Header.Get("Authorization"), `oauth_signature_method="HMAC-SHA256"`)
		assert.Empty(t, canary.Found(r.String(), clientSecret, tokenSecret))
	}
}
