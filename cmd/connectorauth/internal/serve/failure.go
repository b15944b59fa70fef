package serve

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
)

// errorHeader tells a failure of the Server from a response of a service.
const errorHeader = "Connectorauth-Error"

// A failure is a response of the Server itself. A failure has no secret.
type failure struct {
	status  int
	after   time.Duration // when to try again; 0 means that nobody knows
	Code    string        `json:"error"`
	Message string        `json:"message"`
	Do      string        `json:"do,omitempty"`   // what helps
	Near    []string      `json:"near,omitempty"` // what may have been meant
}

// write sends the failure as JSON.
func (f *failure) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set(errorHeader, f.Code)
	if f.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="connectorauth"`) // RFC 6750 section 3
	}
	if f.after > 0 {
		h.Set("Retry-After", strconv.Itoa(int((f.after+time.Second-1)/time.Second)))
	}
	w.WriteHeader(f.status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.Encode(f) // an error is one of the connection
}

// explain returns the failure of an error of the library, or of a transport. An error that
// explain does not know has the status and the code of otherwise.
func (s *Server) explain(err error, a accounts.Account, otherwise failure) *failure {
	f := otherwise
	f.Message = err.Error()
	var token *connectorauth.TokenError
	var input *definition.InputError
	var network net.Error
	switch {
	case errors.Is(err, connectorauth.ErrReauthRequired), errors.As(err, &input):
		f.status, f.Code = http.StatusFailedDependency, "reauth_required"
		f.Do = "connect the account again: open " + s.reconnectURL(a.ID)
		if errors.Is(err, connectorauth.ErrNotConnected) {
			f.Code, f.Do = "not_connected", "finish the consent of the account: open "+s.accountURL(a.ID)
		}
	case errors.Is(err, accounts.ErrDisconnected), errors.Is(err, accounts.ErrNotFound):
		f.status, f.Code = http.StatusNotFound, "unknown_service"
	case errors.Is(err, connectorauth.ErrHostNotAllowed):
		f.status, f.Code = http.StatusForbidden, "host_not_allowed"
	case errors.Is(err, connectorauth.ErrBodyNotInjectable):
		f.status, f.Code = http.StatusUnsupportedMediaType, "body_not_injectable"
	case errors.Is(err, connectorauth.ErrShutdown):
		f.status, f.Code = http.StatusServiceUnavailable, "shutting_down"
	case errors.As(err, &token) && token.Temporary():
		f.status, f.Code, f.after = http.StatusServiceUnavailable, "token_unavailable", token.RetryAfter
	case errors.As(err, &token):
		f.status, f.Code = http.StatusBadGateway, "token_refused"
		f.Do = "check the registration of the program at the service: client ID and client secret"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		f.status, f.Code = http.StatusGatewayTimeout, "timeout"
	}
	return &f
}
