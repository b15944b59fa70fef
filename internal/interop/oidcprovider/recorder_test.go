package oidcprovider_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// browserAgent is the User-Agent of the account owner's browser, whose requests are not
// recorded.
const browserAgent = "browser"

// A message is a request to the provider or to an API, and what became of the request.
type message struct {
	method, path string
	params       url.Values // of the query and of a form
	members      map[string]any
	header       http.Header
	status       int
	response     map[string]any
}

// A recorder is a proxy that keeps the requests of clients.
type recorder struct {
	proxy *httputil.ReverseProxy

	mu   sync.Mutex
	sent []*message
}

// to says where the provider is.
func (r *recorder) to(address string) {
	r.proxy = &httputil.ReverseProxy{
		Transport: &http.Transport{DisableKeepAlives: true}, // Node.js closes connections that are idle
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = "http", address // the Host header stays: proofs name the proxy
		},
	}
}

// take returns what was recorded since the last take, in the order of arrival.
func (r *recorder) take() []*message {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.sent
	r.sent = nil
	return all
}

// wait waits until a request is recorded.
func (r *recorder) wait(ctx context.Context, is func(*message) bool) error {
	for {
		r.mu.Lock()
		found := slices.ContainsFunc(r.sent, is)
		r.mu.Unlock()
		if found {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// note records a request.
func (r *recorder) note(m *message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, m)
}

// ServeHTTP implements http.Handler.
func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.UserAgent() == browserAgent {
		r.proxy.ServeHTTP(w, req)
		return
	}
	body, _ := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	m := &message{method: req.Method, path: req.URL.Path, params: req.URL.Query(), header: req.Header.Clone()}
	switch kind, _, _ := strings.Cut(req.Header.Get("Content-Type"), ";"); kind {
	case "application/x-www-form-urlencoded":
		form, _ := url.ParseQuery(string(body))
		for name, values := range form {
			m.params[name] = append(m.params[name], values...)
		}
	case "application/json":
		json.Unmarshal(body, &m.members)
	}
	seen := &response{ResponseWriter: w}
	r.proxy.ServeHTTP(seen, req)
	m.status = seen.status
	json.Unmarshal(seen.body.Bytes(), &m.response)
	r.note(m)
}

// A response copies what goes to the client.
type response struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *response) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *response) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}
