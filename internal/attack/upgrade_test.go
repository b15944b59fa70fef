package attack_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

// After status 101 the body is the connection itself, on which net/http sets no
// deadline any more: whoever reads it may wait for ever.
func TestProtocolSwitchesOfTheAPIAreNotReadFrom(t *testing.T) {
	p := authtest.NewProvider(t)
	config := oauth2Config(p, p.Client(), connectorauth.ClientCredentials{})
	config.Dialect.Rejections = []dialect.Rejection{{Path: "error.code", Value: "expired"}, {Body: "token expired"}}
	plain := must(connectorauth.NewOAuth2(oauth2Config(p, p.Client(), connectorauth.ClientCredentials{})))
	errNotThis := errors.New("not what the hook wants")
	for name, c := range map[string]connectorauth.Connector{
		"rejection rules": must(connectorauth.NewOAuth2(config)),
		"hook that fails": connectorauth.WithHooks(plain, connectorauth.Hooks{AfterResponse: func(*connectorauth.Exchange) error { return errNotThis }}),
		"hook that rejects": connectorauth.WithHooks(plain, connectorauth.Hooks{AfterResponse: func(*connectorauth.Exchange) error {
			return connectorauth.ErrCredentialRejected
		}}),
		"hook that reads": connectorauth.WithHooks(plain, connectorauth.Hooks{AfterResponse: func(e *connectorauth.Exchange) error {
			_, err := e.ResponseBody(1 << 10)
			return err
		}}),
	} {
		t.Run(name, func(t *testing.T) {
			leave := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					panic(err)
				}
				defer conn.Close()
				rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: silence\r\nContent-Type: application/json\r\n\r\n")
				rw.Flush()
				<-leave
			}))
			defer server.Close()
			answered := make(chan error, 1)
			go func() {
				resp, err := connectorauth.NewClient(c, server.Client()).Get(server.URL)
				if err == nil {
					resp.Body.Close()
				}
				answered <- err
			}()
			select {
			case err := <-answered:
				close(leave)
				if name == "rejection rules" {
					assert.NoError(t, err)
				} else {
					assert.Error(t, err)
				}
			case <-time.After(mostTime):
				close(leave)
				require.Fail(t, "no end", "after %v; once the server had left: %v", mostTime, <-answered)
			}
		})
	}
}
