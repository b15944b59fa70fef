package doctor_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/doctor"
	"github.com/connectorauth/connectorauth/internal/test/dnszone"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// api answers as the API does.
var api = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/connectorauth-doctor" {
		rw.WriteHeader(http.StatusNotFound)
	}
	io.WriteString(rw, `{"auth_type": "ApiKey"}`)
})

func TestCertificates(t *testing.T) {
	day := 24 * time.Hour
	now := time.Now()
	for name, c := range map[string]struct {
		host        string
		from, until time.Duration
		strange     bool
		cause       doctor.Cause
		words       []string
	}{
		"good":            {host: "127.0.0.1", from: -day, until: day},
		"expired":         {host: "127.0.0.1", from: -9 * day, until: -day, cause: doctor.CauseExpired, words: []string{"new certificate", now.Add(-day).UTC().Format("2006-01-02")}},
		"not yet valid":   {host: "127.0.0.1", from: day, until: 9 * day, cause: doctor.CauseClock, words: []string{"Set the clock"}},
		"of another host": {host: "other.example", from: -day, until: day, cause: doctor.CauseName, words: []string{"another host"}},
		"of a proxy":      {host: "127.0.0.1", from: -day, until: day, strange: true, cause: doctor.CauseAuthority, words: []string{"root certificate", "Inspecting Proxy"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.connect("key")
			trusted := newAuthority(t)
			signs := trusted
			if c.strange {
				signs = newAuthority(t)
			}
			s := signs.server(t, c.host, now.Add(c.from), now.Add(c.until), api)
			w.transport.TLSClientConfig = &tls.Config{RootCAs: trusted.pool()}
			w.define(s.URL, w.front.URL, w.front.URL)
			if c.cause == "" {
				r := w.diagnosed(doctor.OK, "")
				assert.Contains(t, step(r, "tls")[0].Detail, "Inspecting Proxy")
				return
			}
			r := w.diagnosed(doctor.Fault, c.cause, c.words...)
			assert.Contains(t, step(r, "tls")[0].Detail, "Inspecting Proxy", "who has signed")
		})
	}
}

func TestAPortWithoutTLS(t *testing.T) {
	w := newWorld(t)
	w.connect("key")
	plain, err := url.Parse(w.front.URL)
	require.NoError(t, err)
	w.define("https://"+plain.Host, w.front.URL, w.front.URL)
	w.diagnosed(doctor.Fault, doctor.CauseBaseURL, "does not speak TLS")
}

func TestNames(t *testing.T) {
	w := newWorld(t)
	w.connect("key")
	zone, resolver := dnszone.Start(t)
	w.transport.DialContext = (&net.Dialer{Resolver: resolver}).DialContext
	ca := newAuthority(t)
	w.transport.TLSClientConfig = &tls.Config{RootCAs: ca.pool()}
	s := ca.server(t, "api.acme.example", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), api)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	w.define("https://api.acme.example:"+port, w.front.URL, w.front.URL)

	r := w.diagnosed(doctor.Fault, doctor.CauseDNS, "api.acme.example", "has no address")
	assert.Contains(t, step(r, "name resolution")[0].Detail, "no such host")

	zone.Set("api.acme.example", []string{"127.0.0.1"})
	r = w.diagnosed(doctor.OK, "")
	assert.Contains(t, step(r, "name resolution")[0].Detail, "127.0.0.1")

	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("this machine has no IPv6")
	} else {
		l.Close()
	}
	zone.Set("api.acme.example", []string{"::1", "127.0.0.1"})
	w.diagnosed(doctor.Warning, doctor.CauseIPv6, "The account works now", "IPv6")
}

// A wrapped is a transport of which only RoundTrip can be seen, as of package egress.
type wrapped struct{ http.RoundTripper }

func TestAConnectionOfBefore(t *testing.T) {
	ca := newAuthority(t)
	s := ca.server(t, "127.0.0.1", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), api)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool()}}
	t.Cleanup(transport.CloseIdleConnections)
	resp, err := (&http.Client{Transport: transport}).Get(s.URL)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())

	document := `{"connectorauth": 1, "name": "acme", "baseUrl": "` + s.URL + `", "methods": [{"name": "none", "type": "None"}], "test": {"request": "GET /me"}}`
	config := program(t, document, accounts.Row{}, wrapped{transport})
	report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
	require.NoError(t, err)
	assert.Equal(t, doctor.OK, report.Outcome, report.Advice)
	for _, name := range []string{"name resolution", "connection", "tls"} {
		assert.Equal(t, doctor.Skipped, step(report, name)[0].Outcome, name)
	}
}

// The library sends plain http to a name below localhost to localhost, whatever a resolver says.
func TestNameBelowLocalhostNeedsNoResolver(t *testing.T) {
	w := newWorld(t)
	w.connect("key")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(w.front.URL, "http://"))
	require.NoError(t, err)
	w.define("http://tenant.acme.localhost:"+port, w.front.URL, w.front.URL)
	r := w.diagnosed(doctor.OK, "")
	assert.Len(t, step(r, "connection"), 1)
}
