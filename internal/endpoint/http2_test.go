package endpoint_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Frames and errors of RFC 9113 sections 6 and 7.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	flagEndStream, flagAck = 1, 1

	protocolError, internalError, refusedStream = 1, 2, 7
)

// peer is an HTTP/2 server of the test: it reads each request to its end, and then
// says by a frame that something is wrong.
type peer struct {
	url       string
	transport *http.Transport
	answer    func(stream uint32) (kind byte, id uint32, payload []byte)

	mu    sync.Mutex
	got   []string // the bodies of the requests
	conns []net.Conn
}

func newPeer(t *testing.T, answer func(stream uint32) (byte, uint32, []byte)) *peer {
	t.Helper()
	lender := httptest.NewTLSServer(nil) // lends its certificate
	defer lender.Close()
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: lender.TLS.Certificates, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	p := &peer{
		url: "https://" + listener.Addr().String(), answer: answer,
		transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true},
	}
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
		p.transport.CloseIdleConnections()
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

// serve speaks as much HTTP/2 as the test needs.
func (p *peer) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if _, err := in.Discard(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); err != nil {
		return
	}
	writeFrame(conn, frameSettings, 0, 0, nil)
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
		case frameSettings, framePing:
			if flags&flagAck == 0 {
				writeFrame(conn, kind, flagAck, 0, map[bool][]byte{true: payload}[kind == framePing])
			}
		case frameData, frameHeaders:
			if kind == frameData {
				bodies[stream] += string(payload)
			}
			if flags&flagEndStream != 0 {
				p.mu.Lock()
				p.got = append(p.got, bodies[stream])
				p.mu.Unlock()
				kind, id, payload := p.answer(stream)
				writeFrame(conn, kind, 0, id, payload)
			}
		}
	}
}

func writeFrame(conn net.Conn, kind, flags byte, stream uint32, payload []byte) {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	head = binary.BigEndian.AppendUint32(append(head, flags), stream)
	conn.Write(append(head, payload...))
}

// net/http takes these for a request that the server has not looked at, and would
// send it again and again.
func TestResetStreamIsNotSentAgain(t *testing.T) {
	reset := func(code uint32) func(uint32) (byte, uint32, []byte) {
		return func(stream uint32) (byte, uint32, []byte) {
			return frameReset, stream, binary.BigEndian.AppendUint32(nil, code)
		}
	}
	params := url.Values{"code": {"once"}}
	body := map[dialect.Encoding]string{dialect.EncodeForm: "code=once", dialect.EncodeJSON: `{"code":"once"}`}
	for name, answer := range map[string]func(uint32) (byte, uint32, []byte){
		"PROTOCOL_ERROR": reset(protocolError), "REFUSED_STREAM": reset(refusedStream), "INTERNAL_ERROR": reset(internalError),
		"GOAWAY": func(uint32) (byte, uint32, []byte) { return frameGoAway, 0, make([]byte, 8) }, // "I have seen no stream"
	} {
		for _, key := range []string{"X-Other", "Idempotency-Key", "X-Idempotency-Key"} {
			for _, encoding := range encodings {
				t.Run(fmt.Sprint(name, " ", key, " ", encoding), func(t *testing.T) {
					p := newPeer(t, answer)
					began := time.Now()
					_, err := ask(t, p.transport, request{url: p.url, encoding: encoding, params: params, header: http.Header{key: {"1"}}})
					require.NotNil(t, err)
					assert.Less(t, time.Since(began), 5*time.Second)
					assert.True(t, err.InDoubt, "the server has read the request: %v", err)
					p.mu.Lock()
					defer p.mu.Unlock()
					assert.Equal(t, []string{body[encoding]}, p.got)
				})
			}
		}
	}
}

// The same with net/http's own server.
func TestHTTP2ServerThatAborts(t *testing.T) {
	for _, encoding := range encodings {
		abort := false
		s := new(server)
		s.Server = httptest.NewUnstartedServer(s.keep(func(w http.ResponseWriter, r *http.Request) {
			if abort {
				panic(http.ErrAbortHandler)
			}
			granting(w, r)
		}))
		s.EnableHTTP2 = true
		s.StartTLS()
		s.transport = s.Client().Transport.(*http.Transport)
		r := request{encoding: encoding, params: url.Values{"code": {"once"}}}
		token, err := s.ask(t, r)
		require.Nil(t, err)
		assert.Equal(t, "a", token.AccessToken)
		abort = true
		_, err = s.ask(t, r)
		require.NotNil(t, err)
		assert.True(t, err.InDoubt)
		s.Close()
		require.Len(t, s.got(), 2)
		for _, sent := range s.got() {
			assert.Equal(t, 2, sent.proto)
			switch encoding {
			case dialect.EncodeForm:
				assert.Equal(t, "code=once", sent.body)
			case dialect.EncodeJSON:
				assert.True(t, json.Valid([]byte(sent.body)))
			default:
				assert.Equal(t, "code=once", sent.query)
				assert.Empty(t, sent.body)
			}
		}
	}
}
