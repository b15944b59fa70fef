// Package http2peer is an HTTP/2 server that speaks in single frames, so a
// test can end a request in every way in which a server can.
package http2peer

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Frames, flags and errors of RFC 9113 sections 6 and 7.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	flagAck, flagEndStream, flagEndHeaders = 1, 1, 4

	ProtocolError, InternalError, RefusedStream, Cancel, EnhanceYourCalm, HTTP11Required = 1, 2, 7, 8, 11, 13
)

// A Frame is what the peer sends. The zero Frame closes the connection.
type Frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte
	sent        bool
}

// Reset ends a stream with an error (RFC 9113 section 6.4).
func Reset(stream, code uint32) Frame {
	return Frame{frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, code), true}
}

// GoAway says that the peer has looked at no stream after last (section 6.8).
func GoAway(last, code uint32) Frame {
	payload := binary.BigEndian.AppendUint32(nil, last)
	return Frame{frameGoAway, 0, 0, binary.BigEndian.AppendUint32(payload, code), true}
}

// Head begins a response with a status of three digits, by a literal field with the
// indexed name :status (RFC 7541 section 6.2.2 and appendix A).
func Head(stream uint32, status string) Frame {
	return Frame{frameHeaders, flagEndHeaders, stream, append([]byte{8, byte(len(status))}, status...), true}
}

// Data is a part of a response's body, or the end of the response.
func Data(stream uint32, body string, end bool) Frame {
	flags := byte(0)
	if end {
		flags = flagEndStream
	}
	return Frame{frameData, flags, stream, []byte(body), true}
}

// Respond is a whole response with status 200.
func Respond(stream uint32, body string) []Frame {
	return []Frame{Head(stream, "200"), Data(stream, body, true)}
}

// A Peer is an HTTP/2 server. The server ends with its test.
type Peer struct {
	URL       string
	Transport *http.Transport // trusts the peer's certificate, and speaks HTTP/2

	early  bool
	answer func(n int, stream uint32, body string) []Frame

	mu    sync.Mutex
	got   []string // the bodies of the requests
	conns []net.Conn
}

// New starts a peer. answer returns the peer's frames after the nth request, counted
// from 1, which has arrived on stream.
func New(t *testing.T, answer func(n int, stream uint32, body string) []Frame) *Peer {
	t.Helper()
	return start(t, &Peer{answer: answer})
}

// NewEarly is New for a peer that answers after the header of each request, without
// waiting for the body.
func NewEarly(t *testing.T, answer func(n int, stream uint32, body string) []Frame) *Peer {
	t.Helper()
	return start(t, &Peer{answer: answer, early: true})
}

func start(t *testing.T, p *Peer) *Peer {
	t.Helper()
	lender := httptest.NewTLSServer(nil) // lends its certificate
	defer lender.Close()
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: lender.TLS.Certificates, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	p.URL = "https://" + listener.Addr().String()
	p.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.conns = append(p.conns, conn)
			p.mu.Unlock()
			serving.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		p.Transport.CloseIdleConnections()
		listener.Close()
		p.mu.Lock()
		for _, conn := range p.conns {
			conn.Close()
		}
		p.mu.Unlock()
		serving.Wait()
	})
	return p
}

// Bodies returns the bodies of the requests that have arrived.
func (p *Peer) Bodies() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.got...)
}

// serve speaks as much HTTP/2 as tests need.
func (p *Peer) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if _, err := in.Discard(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); err != nil {
		return
	}
	write(conn, Frame{kind: frameSettings})
	bodies := map[uint32]string{}
	for {
		var head [9]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		payload := make([]byte, binary.BigEndian.Uint32(head[:4])>>8)
		if _, err := io.ReadFull(in, payload); err != nil {
			return
		}
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		switch kind {
		case frameSettings:
			if flags&flagAck == 0 {
				write(conn, Frame{kind: kind, flags: flagAck})
			}
		case framePing:
			if flags&flagAck == 0 {
				write(conn, Frame{kind: kind, flags: flagAck, payload: payload})
			}
		case frameData, frameHeaders:
			if kind == frameData {
				bodies[stream] += string(payload)
			}
			if p.early && kind == frameHeaders || !p.early && flags&flagEndStream != 0 {
				if !p.respond(conn, stream, bodies[stream]) {
					return
				}
			}
		}
	}
}

// respond reports whether the connection stays open.
func (p *Peer) respond(conn net.Conn, stream uint32, body string) bool {
	p.mu.Lock()
	p.got = append(p.got, body)
	n := len(p.got)
	p.mu.Unlock()
	for _, frame := range p.answer(n, stream, body) {
		if !frame.sent {
			return false
		}
		write(conn, frame)
	}
	return true
}

func write(conn net.Conn, f Frame) {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(f.payload))<<8|uint32(f.kind))
	head = binary.BigEndian.AppendUint32(append(head, f.flags), f.stream)
	conn.Write(append(head, f.payload...))
}
