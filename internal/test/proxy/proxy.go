// Package proxy stands between a client and a server, and breaks connections.
package proxy

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Start starts a proxy on loopback for the server at target, a host and a port.
// address leads to the proxy. cut resets all connections through the proxy. The
// end of the test ends the proxy.
func Start(t testing.TB, target string) (address string, cut func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: target, open: map[net.Conn]bool{}}
	t.Cleanup(func() {
		listener.Close()
		p.running.Wait()
	})
	p.running.Go(func() { p.serve(listener) })
	return listener.Addr().String(), p.cut
}

type proxy struct {
	target  string
	running sync.WaitGroup

	mu   sync.Mutex // guards open
	open map[net.Conn]bool
}

func (p *proxy) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			p.cut()
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.join(client, server)
	}
}

func (p *proxy) join(client, server net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[client], p.open[server] = true, true
	p.running.Go(func() { p.copy(server, client) })
	p.running.Go(func() { p.copy(client, server) })
}

// copy ends both ways when one way ends.
func (p *proxy) copy(to, from net.Conn) {
	io.Copy(to, from)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range []net.Conn{to, from} {
		conn.Close()
		delete(p.open, conn)
	}
}

// cut resets the open connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		conn.(*net.TCPConn).SetLinger(0) // so that Close resets the connection
		conn.Close()
	}
	clear(p.open)
}
