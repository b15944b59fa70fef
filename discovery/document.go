package discovery

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
)

// A ClientDocument is a client ID metadata document
// (draft-ietf-oauth-client-id-metadata-document): client metadata at a URL that is the
// client ID, at every server that reads such documents, without a registration. A
// ClientDocument is an http.Handler that serves the document at the path of the URL.
type ClientDocument struct {
	id   string
	text []byte
}

// NewClientDocument returns the document of a client. clientID is the URL of the document,
// such as https://app.example.com/oauth/client.json: an https URL with a path, without
// segments "." and "..", query, user name and fragment. ClientName and RedirectURIs are
// required. A client without a secret cannot use a method with one, so
// TokenEndpointAuthMethod is none, private_key_jwt with JWKS or JWKSURI, or a certificate's.
func NewClientDocument(clientID string, m ClientMetadata) (*ClientDocument, error) {
	var problems check.List
	problems.Field("clientID", checkClientID(clientID))
	m.check(&problems)
	if m.ClientName == "" {
		problems.Add("ClientName: is empty")
	}
	if m.TokenEndpointAuthMethod == "" {
		m.TokenEndpointAuthMethod = connectorauth.ClientAuthNone
	}
	switch method := m.TokenEndpointAuthMethod; {
	case strings.HasPrefix(string(method), "client_secret_"):
		problems.Add("TokenEndpointAuthMethod: is %s, and the document is no place for a secret", method)
	case method == "private_key_jwt" && m.JWKS == nil && m.JWKSURI == "":
		problems.Add("JWKS: is empty, and TokenEndpointAuthMethod is private_key_jwt; give JWKS or JWKSURI")
	}
	if m.GrantTypes == nil {
		m.GrantTypes = []string{"authorization_code", "refresh_token"}
	}
	if m.ResponseTypes == nil {
		m.ResponseTypes = []string{"code"}
	}
	if err := problems.Err("ClientDocument"); err != nil {
		return nil, err
	}
	members := m.members()
	members["client_id"] = clientID
	d := &ClientDocument{clientID, encode(members)}
	if len(d.text) > maxDocument {
		return nil, errors.New("connectorauth: ClientDocument: the document is longer than 5 kB, and servers need not read more")
	}
	return d, nil
}

// maxDocument is what the draft lets servers read, in bytes.
const maxDocument = 5 << 10

// checkClientID checks the URL of a document.
func checkClientID(clientID string) error {
	u, err := parse(clientID)
	switch {
	case err != nil:
		return err
	case u.Scheme != "https":
		return errors.New("is no https URL")
	case u.Path == "" || u.Path == "/":
		return errors.New("the URL has no path")
	case u.RawQuery != "" || u.ForceQuery:
		return errors.New("the URL has a query")
	}
	return nil
}

// ClientID returns the URL of the document, for the ClientID of an OAuth2Config.
func (d *ClientDocument) ClientID() string { return d.id }

// ServeHTTP serves the document to GET and HEAD. Servers may keep the document for an hour.
// The handler does not look at the path: register the handler for the path of ClientID. A
// redirect to the document is of no use, because servers follow none.
func (d *ClientDocument) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "use GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(d.text)))
	w.Header().Set("Cache-Control", "max-age=3600")
	if r.Method == http.MethodGet {
		w.Write(d.text)
	}
}
