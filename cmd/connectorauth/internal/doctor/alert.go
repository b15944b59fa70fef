package doctor

import (
	"crypto/tls"
	"errors"
	"net"
)

// Alerts by which a server refuses a client certificate, or the lack of one (RFC 8446 section
// 6.2).
const (
	alertHandshake   tls.AlertError = 40 // also for other reasons
	alertBad         tls.AlertError = 42
	alertUnsupported tls.AlertError = 43
	alertRevoked     tls.AlertError = 44
	alertExpired     tls.AlertError = 45
	alertUnknown     tls.AlertError = 46
	alertAuthority   tls.AlertError = 48
	alertDecrypt     tls.AlertError = 51
	alertRequired    tls.AlertError = 116
)

// ofClientCertificate returns what to do about a server that refuses the client certificate. An
// empty text means that the error says nothing of client certificates.
func ofClientCertificate(host string, err error) string {
	alert, ok := remoteAlert(err)
	switch {
	case !ok, alert == alertHandshake:
		return ""
	case alert == alertRequired:
		return "Give the program a client certificate for " + host + ", because the server demands one and got none"
	case alert == alertExpired:
		return "Renew the client certificate, because " + host + " says that the certificate has expired"
	case alert == alertRevoked:
		return "Replace the client certificate, because " + host + " says that the certificate was revoked"
	case alert == alertDecrypt:
		return "Give the program the private key of the client certificate, because " + host + " finds a signature of another key"
	case alert == alertAuthority:
		return "Use a client certificate of an authority that " + host + " trusts, or register the certificate there, because the server does not know who has signed the present one"
	}
	return "Give the program a client certificate that " + host + " accepts, because the server refuses the present one, or demands one and got none"
}

// remoteAlert returns the alert of the server that may speak of a client certificate. Package tls
// has a type for alerts that is not exported and has the texts of tls.AlertError.
func remoteAlert(err error) (tls.AlertError, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return 0, false
	}
	for _, alert := range []tls.AlertError{alertHandshake, alertBad, alertUnsupported, alertRevoked, alertExpired, alertUnknown, alertAuthority, alertDecrypt, alertRequired} {
		if op.Err.Error() == alert.Error() {
			return alert, true
		}
	}
	return 0, false
}

// A streamReset is the error of a stream that the server has ended (RFC 9113 section 6.4). The
// fields are those of the error of net/http, whose method As fills them.
type streamReset struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

// Error is for errors.As.
func (streamReset) Error() string { return "the server has ended the stream" }
