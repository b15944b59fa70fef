package clients_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
)

// resettingPeer is an HTTP/2 server by golang.org/x/net that ends every request, and
// keeps all that it reads: fields, decoded, and bodies.
type resettingPeer struct {
	url  string
	tls  *tls.Config // of its clients
	end  func(*http2.Framer, uint32)
	mu   sync.Mutex
	read strings.Builder
}

func newResettingPeer(t *testing.T, end func(*http2.Framer, uint32)) *resettingPeer {
	lender := httptest.NewTLSServer(nil) // lends its certificate
	defer lender.Close()
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: lender.TLS.Certificates, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	p := &resettingPeer{url: "https://" + listener.Addr().String(), tls: &tls.Config{RootCAs: roots}, end: end}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(conn) })
			t.Cleanup(func() { conn.Close() })
		}
	})
	t.Cleanup(func() { listener.Close() })
	return p
}

func (p *resettingPeer) serve(conn net.Conn) {
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	framer.WriteSettings()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				framer.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			for _, field := range f.Fields {
				p.keep(field.Name + ": " + field.Value + "\n")
			}
			if f.StreamEnded() {
				p.end(framer, f.StreamID)
			}
		case *http2.DataFrame:
			p.keep(string(f.Data()))
			if f.StreamEnded() {
				p.end(framer, f.StreamID)
			}
		}
	}
}

func (p *resettingPeer) keep(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read.WriteString(text)
}

// seen counts how often the peer has read text.
func (p *resettingPeer) seen(text string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(p.read.String(), text)
}

// The transport of golang.org/x/net has a pool of connections of its own, and repeats
// by itself as net/http does.
func TestHTTP2TransportSpendsNothingTwice(t *testing.T) {
	for how, end := range map[string]func(*http2.Framer, uint32){
		"REFUSED_STREAM": func(f *http2.Framer, stream uint32) { f.WriteRSTStream(stream, http2.ErrCodeRefusedStream) },
		"PROTOCOL_ERROR": func(f *http2.Framer, stream uint32) { f.WriteRSTStream(stream, http2.ErrCodeProtocol) },
		"INTERNAL_ERROR": func(f *http2.Framer, stream uint32) { f.WriteRSTStream(stream, http2.ErrCodeInternal) },
		"GOAWAY":         func(f *http2.Framer, _ uint32) { f.WriteGoAway(0, http2.ErrCodeNo, nil) },
	} {
		for _, encoding := range []dialect.Encoding{dialect.EncodeForm, dialect.EncodeJSON, dialect.EncodeQuery, dialect.EncodeGet} {
			for name, base := range map[string]func(*tls.Config) http.RoundTripper{
				"golang.org/x/net": func(c *tls.Config) http.RoundTripper { return &http2.Transport{TLSClientConfig: c} },
				"net/http": func(c *tls.Config) http.RoundTripper {
					return &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}
				},
			} {
				t.Run(fmt.Sprintf("%s/%s/%s", how, encoding, name), func(t *testing.T) {
					p := newResettingPeer(t, end)
					transport := base(p.tls)
					defer transport.(interface{ CloseIdleConnections() }).CloseIdleConnections()
					c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
						ClientID: "client", ClientSecret: "the-client-secret", ClientAuth: connectorauth.ClientSecretPost, TokenURL: p.url,
						Grant:      connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
						HTTPClient: &http.Client{Transport: transport},
						Dialect:    dialect.OAuth2{TokenEncoding: encoding, TokenHeader: http.Header{"Idempotency-Key": {"the-key"}}},
					})
					require.NoError(t, err)
					require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "the-refresh-token"}))
					_, err = c.Token(t.Context())
					require.Error(t, err)
					for _, value := range []string{"the-refresh-token", "the-client-secret", "the-key"} {
						assert.Equal(t, 1, p.seen(value), value)
					}
				})
			}
		}
	}
}
