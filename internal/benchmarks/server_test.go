package benchmarks

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/connectorauth/connectorauth/internal/test/child"
)

// jobs are what other processes of the benchmarks do.
var jobs = child.Jobs{"serve": serve}

// serve is an API and a token endpoint over TLS, with HTTP/2 for the argument "HTTP/2".
// Serve prints the URL and the certificate, and ends with the test. A token lives for two
// seconds.
func serve(protocol string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/photos", func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Get("Authorization")) < len("Bearer "+token) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, `{"photos":[]}`)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"%s","token_type":"Bearer","expires_in":2}`, token)
	})
	s := httptest.NewUnstartedServer(mux)
	s.EnableHTTP2 = protocol == "HTTP/2"
	s.StartTLS()
	defer s.Close()
	fmt.Println(s.URL)
	fmt.Println(base64.StdEncoding.EncodeToString(s.Certificate().Raw))
	child.Pause()
	return nil
}

// An api is a server in another process, so that the times of this process are the
// client's.
type api struct {
	url      string
	protocol string
	roots    *x509.CertPool
}

// start starts the server.
func start(t testing.TB, protocol string) api {
	t.Helper()
	process := child.Start(t, "serve", protocol)
	a := api{url: process.Line(t), protocol: protocol, roots: x509.NewCertPool()}
	a.roots.AddCert(must(x509.ParseCertificate(must(base64.StdEncoding.DecodeString(process.Line(t))))))
	return a
}

// transport returns a base RoundTripper that reaches the server by so many connections at
// most.
func (a api) transport(t testing.TB, connections int) *http.Transport {
	base := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: a.roots}, ForceAttemptHTTP2: a.protocol == "HTTP/2",
		MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections,
	}
	t.Cleanup(base.CloseIdleConnections)
	return base
}

// get sends a request through the client, and reads the response.
func (a api) get(client *http.Client) error {
	resp, err := client.Get(a.url + "/photos")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || resp.Proto[:6] != a.protocol[:6] {
		return fmt.Errorf("%s %s", resp.Proto, resp.Status)
	}
	return nil
}
