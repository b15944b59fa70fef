package egress_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// zone is a DNS server on loopback.
type zone struct {
	net.PacketConn
	running sync.WaitGroup

	mu      sync.Mutex
	answers map[string][][]string // the addresses for each lookup of a name; the last stay
}

// newZone starts a DNS server, and returns the resolver that asks the server.
func newZone(t *testing.T) (*zone, *net.Resolver) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	z := &zone{PacketConn: conn, answers: map[string][][]string{}}
	z.running.Go(z.serve)
	t.Cleanup(func() {
		conn.Close()
		z.running.Wait()
	})
	return z, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// set makes a name have addresses, others for each lookup.
func (z *zone) set(name string, lookups ...[]string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.answers[name+"."] = lookups
}

// addresses returns the answer to a question. A lookup asks for IPv4 and IPv6; the question for
// IPv6 goes on to the next lookup.
func (z *zone) addresses(q dnsmessage.Question) (list []netip.Addr, known bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	name := strings.ToLower(q.Name.String())
	lookups, known := z.answers[name]
	if !known {
		return nil, false
	}
	asked := z.answers[name+q.Type.String()]
	z.answers[name+q.Type.String()] = append(asked, nil)
	for _, text := range lookups[min(len(asked), len(lookups)-1)] {
		if a := netip.MustParseAddr(text); a.Is4() == (q.Type == dnsmessage.TypeA) {
			list = append(list, a)
		}
	}
	return list, true
}

func (z *zone) serve() {
	buf := make([]byte, 4096)
	for {
		n, from, err := z.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		list, known := z.addresses(q)
		reply := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
		if !known {
			reply.RCode = dnsmessage.RCodeNameError
		}
		for _, a := range list {
			header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
			if a.Is4() {
				reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: a.As4()}})
			} else {
				reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
		packed, err := reply.Pack()
		if err == nil {
			z.WriteTo(packed, from)
		}
	}
}

// servers are two servers at one port: outside at 127.0.0.1, which stands for a public
// address in these tests, and inside at 127.0.0.2.
type servers struct {
	port           string
	seen, intruded atomic.Int64 // how many requests arrived outside and inside
	handler        http.HandlerFunc
}

func newServers(t *testing.T) *servers {
	t.Helper()
	s := &servers{handler: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }}
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.seen.Add(1)
		s.handler(w, r)
	}))
	t.Cleanup(outside.Close)
	_, s.port, _ = net.SplitHostPort(outside.Listener.Addr().String())
	listener, err := net.Listen("tcp", "127.0.0.2:"+s.port)
	if err != nil {
		return s // a system with one loopback address; the error of the guard tells enough
	}
	inside := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.intruded.Add(1) }))
	inside.Listener.Close()
	inside.Listener = listener
	inside.Start()
	t.Cleanup(inside.Close)
	return s
}

var outside = netip.MustParsePrefix("127.0.0.1/32")

// newClient returns a client over a Transport.
func newClient(t *testing.T, config egress.Config) *http.Client {
	t.Helper()
	transport, err := egress.New(config)
	require.NoError(t, err)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// get makes a request, and reads the response.
func get(t *testing.T, client *http.Client, target string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body), nil
}

// requireRefused requires that a request is refused for a reason.
func requireRefused(t *testing.T, client *http.Client, target, reason string) *egress.Error {
	t.Helper()
	_, err := get(t, client, target)
	var refused *egress.Error
	require.ErrorAs(t, err, &refused, target)
	assert.Contains(t, refused.Reason, reason, target)
	return refused
}

func must(u *url.URL, err error) *url.URL {
	if err != nil {
		panic(err)
	}
	return u
}
