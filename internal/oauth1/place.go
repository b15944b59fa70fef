package oauth1

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// A Place says where the protocol parameters of a request go (RFC 5849 section
// 3.5).
type Place struct {
	// In is InHeader, InQuery or InBody.
	In dialect.Location
	// BodyHash signs bodies that are not forms, with oauth_body_hash.
	BodyHash bool
	// MaxBody limits the bodies that must be held in memory, in bytes.
	MaxBody int64
}

// Put signs req and puts the protocol parameters into req, in place of
// parameters that req already has. ahead is the clock's correction, in seconds.
// After a redirect removed the body of req, a place in the body is gone: Put does
// nothing then. A body that has to change is refused as for fields: see
// [inject.CheckHeader].
func (p Place) Put(req *http.Request, s *Signer, ahead int64, room inject.Room, extra ...Param) error {
	isForm := p.isForm(req)
	switch {
	case p.In != dialect.InBody:
	case req.Response != nil && (req.Body == nil || req.Body == http.NoBody):
		return nil
	case !isForm:
		return fmt.Errorf("%w: OAuth1 parameters go into a body of type %s only (RFC 5849 section 3.5.2)", inject.ErrNotInjectable, wire.FormType)
	default:
		if _, err := inject.CheckHeader(req); err != nil {
			return err
		}
	}
	var form []byte
	if isForm || p.BodyHash {
		body, err := inject.ReadBodyWith(req, p.MaxBody, room)
		if err != nil {
			return err
		}
		if !isForm {
			hash, _ := s.BodyHash(bytes.NewReader(body))
			extra = append(extra, hash)
		} else if form = Strip(body); len(form) != len(body) {
			if _, err := inject.CheckHeader(req); err != nil {
				return err
			}
			replaceBody(req, form)
		}
	}
	if query := Strip(req.URL.RawQuery); query != req.URL.RawQuery {
		wire.SetQuery(req, query)
	}
	params, err := s.Sign(req, form, Stamp{Timestamp: time.Now().Unix() + ahead}, extra...)
	if err != nil {
		return err
	}
	defer params.Release()
	if p.In == dialect.InHeader {
		req.Header["Authorization"] = room.Values(params.Header())
		return nil
	}
	dropOAuth(req.Header)
	if p.In == dialect.InQuery {
		wire.SetQuery(req, params.Query(req.URL.RawQuery))
	} else {
		replaceBody(req, params.Form(form))
	}
	return nil
}

// isForm reports whether req says that its body is a form. Requests without a body, as
// most are, need no search for other spellings of the header's name.
func (p Place) isForm(req *http.Request) bool {
	if values := req.Header["Content-Type"]; len(values) > 0 {
		return wire.IsForm(values[0])
	}
	if p.In != dialect.InBody && (req.Body == nil || req.Body == http.NoBody) {
		return false
	}
	for name, values := range req.Header {
		if len(values) > 0 && strings.EqualFold(name, "Content-Type") {
			return wire.IsForm(values[0])
		}
	}
	return false
}

// dropOAuth removes Authorization headers of the scheme OAuth. Other schemes may
// be for a proxy or gateway.
func dropOAuth(h http.Header) {
	isOAuth := func(value string) bool { return len(value) >= 6 && strings.EqualFold(value[:6], "OAuth ") }
	for name, values := range h {
		if strings.EqualFold(name, "Authorization") && slices.ContainsFunc(values, isOAuth) {
			delete(h, name)
		}
	}
}

func replaceBody(req *http.Request, body []byte) {
	if req.Body != nil {
		req.Body.Close()
	}
	inject.SetBody(req, body)
}
