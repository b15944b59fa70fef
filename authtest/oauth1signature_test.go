package authtest_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
)

func TestOAuth1SignatureMethods(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	p, config := start1(t, authtest.Config{RSAPublicKey: &key.PublicKey})
	token, secret := p.IssueOAuth1Token()
	for _, signer := range []oauth1.Signer{
		&oauth1.HMACSigner{ConsumerSecret: p.ClientSecret}, &oauth1.HMAC256Signer{ConsumerSecret: p.ClientSecret},
		&oauth1.RSASigner{PrivateKey: key}, rsa256{key}, plaintext{p.ClientSecret},
	} {
		config.Signer = signer
		resp, identity, body := call(t, signedClient(p, config, token, secret), get(t, p.OAuth1URL+"?a=1"))
		assert.Equal(t, 200, resp.StatusCode, body)
		assert.Equal(t, p.Username, identity.User)
	}
	config.Signer = named{&oauth1.HMACSigner{ConsumerSecret: p.ClientSecret}, "HMAC-MD5"}
	resp, _, body := call(t, signedClient(p, config, token, secret), get(t, p.OAuth1URL))
	assert.Equal(t, 400, resp.StatusCode)
	assert.Contains(t, body, "signature_method_rejected")
	config.Signer = named{&oauth1.RSASigner{PrivateKey: key}, "HMAC-SHA1"}
	_, _, body = call(t, signedClient(p, config, token, secret), get(t, p.OAuth1URL))
	assert.Contains(t, body, "signature_invalid")
}

type rsa256 struct{ key *rsa.PrivateKey }

func (rsa256) Name() string { return "RSA-SHA256" }
func (s rsa256) Sign(_, message string) (string, error) {
	sum := sha256.Sum256([]byte(message))
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	return base64.StdEncoding.EncodeToString(signature), err
}

type plaintext struct{ clientSecret string }

func (plaintext) Name() string { return "PLAINTEXT" }
func (s plaintext) Sign(tokenSecret, _ string) (string, error) {
	return oauth1.PercentEncode(s.clientSecret) + "&" + oauth1.PercentEncode(tokenSecret), nil
}

type named struct {
	oauth1.Signer
	name string
}

func (n named) Name() string { return n.name }

func TestOAuth1NonceIsUsedOnce(t *testing.T) {
	p, _ := start1(t, authtest.Config{})
	req := signedBy(t, p, func(url.Values) {})
	resp, _, _ := call(t, p.Client(), req)
	assert.Equal(t, 200, resp.StatusCode)
	_, _, body := call(t, p.Client(), req)
	assert.Contains(t, body, "nonce_used")
}

func TestOAuth1BodyHash(t *testing.T) {
	p, _ := start1(t, authtest.Config{})
	const body = `{"a":1}`
	sum := crypto.SHA1.New()
	io.WriteString(sum, body)
	send := func(contentType, body string) (int, string) {
		req := signedBy(t, p, func(q url.Values) { q.Set("oauth_body_hash", base64.StdEncoding.EncodeToString(sum.Sum(nil))) })
		req.Method, req.Body = "POST", io.NopCloser(bytes.NewBufferString(body))
		req.Header.Set("Content-Type", contentType)
		resp, _, answer := call(t, p.Client(), req)
		return resp.StatusCode, answer
	}
	status, answer := send("application/json", body)
	assert.Equal(t, 200, status, answer)
	status, _ = send("application/json", body+" ")
	assert.Equal(t, 401, status)
	status, _ = send("application/x-www-form-urlencoded", body)
	assert.Equal(t, 401, status)
}

func TestOAuth1ClockSkewIsTold(t *testing.T) {
	p, config := start1(t, authtest.Config{ClockSkew: time.Hour})
	token, secret := p.IssueOAuth1Token()
	resp, _, _ := call(t, signedClient(p, config, token, secret), get(t, p.OAuth1URL))
	assert.Equal(t, 401, resp.StatusCode)
	assert.Regexp(t, `oauth_problem="timestamp_refused", oauth_acceptable_timestamps="\d+-\d+"`, resp.Header.Get("WWW-Authenticate"))
	date, err := http.ParseTime(resp.Header.Get("Date"))
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now().Add(time.Hour), date, 10*time.Second)
}

func TestOAuth1ForgetsOldNonces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := start1(t, authtest.Config{InMemory: true})
		for range 3 {
			resp, _, body := call(t, p.Client(), signedBy(t, p, func(q url.Values) { q.Set("oauth_nonce", "same") }))
			assert.Equal(t, 200, resp.StatusCode, body)
			time.Sleep(time.Hour)
		}
	})
}
