package oauth1_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
)

// TestRandomRequests sends 10,000 requests of all sorts over the wire: each must
// be accepted. oauthlib does not take everything that the RFC does, so there are
// no malformed escapes, no bytes that are not UTF-8, none of []"|^{} bare in a
// query, and the form type is in small letters.
func TestRandomRequests(t *testing.T) {
	const workers, each = 4, 2500
	s := start(t, 0)
	// https goes over the same plain wire, and tells the server what it was.
	base := roundTripper(func(req *http.Request) (*http.Response, error) {
		plain := req.Clone(req.Context())
		plain.Header.Set("X-Scheme", req.URL.Scheme)
		plain.URL.Scheme = "http"
		return s.transport.RoundTrip(plain)
	})
	var all sync.WaitGroup
	var accepted atomic.Int32
	for w := range workers {
		all.Go(func() {
			r := random{rand.New(rand.NewPCG(1, uint64(w)))}
			// HMAC alone: the other methods cost time, and sign the same text.
			connectors := map[dialect.Location][]connectorauth.Connector{}
			for _, in := range []dialect.Location{dialect.InHeader, dialect.InQuery, dialect.InBody} {
				for i := range 6 {
					config := s.config(methods[i%3])
					config.In, config.BodyHash, config.Hosts = in, i < 3, origins
					connectors[in] = append(connectors[in], connector(t, config))
				}
			}
			for range each {
				req, text := r.request()
				in := pick(r, dialect.InHeader, dialect.InQuery)
				if strings.Contains(req.Header.Get("Content-Type"), "form-urlencoded") {
					in = pick(r, dialect.InHeader, dialect.InQuery, dialect.InBody)
				}
				c := pick(r, connectors[in]...)
				resp, err := c.Wrap(base).RoundTrip(req)
				if !assert.NoError(t, err, text) {
					continue
				}
				answer, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if assert.Equal(t, 200, resp.StatusCode, "%s\n%s", text, answer) {
					accepted.Add(1)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d of %d requests accepted", accepted.Load(), workers*each)
}

var origins = []string{
	"http://api.example.com", "http://api.example.com:80", "http://api.example.com:443", "http://api.example.com:8080",
	"https://api.example.com", "https://api.example.com:443", "https://api.example.com:80", "https://api.example.com:8443",
	"https://API.Example.COM:65535", "http://127.0.0.1:8080", "http://[::1]:80", "https://[2001:db8::1]:8443", "http://localhost",
}

// random makes up requests.
type random struct{ *rand.Rand }

func pick[T any](r random, list ...T) T { return list[r.IntN(len(list))] }

// request returns a request, and what it is in words.
func (r random) request() (*http.Request, string) {
	method := pick(r, "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND", "M-SEARCH", "X*Y", "get", "Post")
	address := pick(r, origins...) + r.path()
	if r.IntN(5) > 0 {
		address += "?" + r.form()
	}
	var contentType, body string
	switch r.IntN(5) {
	case 0, 1:
		contentType = "application/x-www-form-urlencoded" + pick(r, "", "; charset=UTF-8", ";charset=utf-8")
		body = r.form()
	case 2:
		contentType, body = pick(r, "application/json", "application/vnd.api+json; charset=utf-8"), `{"a":1,"oauth_token":"no parameter","b":"c=d&e=f"}`
	case 3:
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		w.WriteField("a", "b=c&oauth_nonce=x")
		w.Close()
		contentType, body = w.FormDataContentType(), b.String()
	}
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if req.Body == http.NoBody && r.IntN(2) == 0 {
		req.Body = nil
	}
	if r.IntN(10) == 0 {
		req.Host = pick(r, "other.example.com", "OTHER.example.com:80", "other.example.com:443", "10.0.0.1:99")
	}
	return req, fmt.Sprintf("%s %s (Host %q) %s %q", method, address, req.Host, contentType, body)
}

func (r random) path() string {
	if r.IntN(8) == 0 {
		return ""
	}
	path := ""
	for range 1 + r.IntN(4) {
		path += "/"
		for range r.IntN(6) {
			path += pick(r, "a", "Z", "9", "-", "._~", "%20", "%2F", "%2f", "%C3%A9", "%25", "%3F", "+", "!", "$", "'", "(", ")", "*", ",", ":", "@", "=", "&", ";v=1")
		}
	}
	return path
}

// form returns a query or form, spelt in any way that means something.
func (r random) form() string {
	form := ""
	for i := range r.IntN(8) {
		if i > 0 {
			form += pick(r, "&", "&", "&", "&&")
		}
		form += pick(r, "a", "b", "a", "c%40", "a%5B%5D", "a%5b%5d", "%C3%A9", "x+y", "x%20y", "a;b", "Z", "~", "_", "oauth", "%E6%97%A5", "a.b-c")
		if r.IntN(6) > 0 {
			form += "="
			for range r.IntN(5) {
				form += pick(r, "a", "Z", "0", "+", "%20", "%2B", "%2b", "%26", "%3D", "=", "%25", "%C3%A9", "%F0%9F%98%80", "!", "*", "'", "(", ")", "~", "-", "._", ";", ":", "@", "/", "?", ",", "$", "%00", "%0A", "%7F")
			}
		}
	}
	return form
}
