// Package dnszone is a DNS server for tests, whose names may have other addresses at each
// lookup.
package dnszone

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// A Zone is a DNS server on loopback.
type Zone struct {
	conn    net.PacketConn
	running sync.WaitGroup

	mu      sync.Mutex
	answers map[string][][]string // the addresses for each lookup of a name; the last stay
}

// Start starts a DNS server until the test ends, and returns the resolver that asks the server.
func Start(t testing.TB) (*Zone, *net.Resolver) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z := &Zone{conn: conn, answers: map[string][][]string{}}
	z.running.Go(z.serve)
	t.Cleanup(func() {
		conn.Close()
		z.running.Wait()
	})
	return z, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// Set gives a name its addresses, perhaps others for each lookup; the last ones stay.
func (z *Zone) Set(name string, lookups ...[]string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.answers[name+"."] = lookups
}

// addresses returns the answer to a question. A lookup asks for IPv4 and IPv6; the question for
// IPv6 goes on to the next lookup.
func (z *Zone) addresses(q dnsmessage.Question) (list []netip.Addr, known bool) {
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

func (z *Zone) serve() {
	buf := make([]byte, 4096)
	for {
		n, from, err := z.conn.ReadFrom(buf)
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
			z.conn.WriteTo(packed, from)
		}
	}
}
