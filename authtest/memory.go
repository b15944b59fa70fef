package authtest

import (
	"context"
	"net"
	"sync"
)

// A memoryNetwork is a net.Listener whose connections are pipes in memory. The
// client and server of net/http run on a memoryNetwork without a socket.
type memoryNetwork struct {
	memoryAddr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// memoryAddr is a loopback address. Clients may use plain http with a loopback
// address, and the certificate of httptest is valid for a loopback address.
type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) }

func newMemoryNetwork(tls bool) *memoryNetwork {
	n := &memoryNetwork{memoryAddr: "127.0.0.1:80", conns: make(chan net.Conn), closed: make(chan struct{})}
	if tls {
		n.memoryAddr = "127.0.0.1:443"
	}
	return n
}

func (n *memoryNetwork) Addr() net.Addr { return n.memoryAddr }

func (n *memoryNetwork) Accept() (net.Conn, error) {
	select {
	case conn := <-n.conns:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *memoryNetwork) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

func (n *memoryNetwork) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
