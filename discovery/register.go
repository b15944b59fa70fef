package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// A RegistrationRequest is what a client sends to register itself (RFC 7591 section 3.1).
type RegistrationRequest struct {
	ClientMetadata
	// SoftwareStatement is a signed JWT of whoever makes the software (RFC 7591 section 2.3),
	// which the server trusts more than the client. Empty means none.
	SoftwareStatement connectorauth.Secret
	// InitialAccessToken allows the registration, at a server that asks for a token (RFC 7591
	// section 3). Empty means none.
	InitialAccessToken connectorauth.Secret
}

// check lists what is wrong with r.
func (r RegistrationRequest) check() error {
	var problems check.List
	r.ClientMetadata.check(&problems)
	problems.Field("SoftwareStatement", check.Printable(string(r.SoftwareStatement)))
	problems.Field("InitialAccessToken", check.Printable(string(r.InitialAccessToken)))
	return problems.Err("RegistrationRequest")
}

// Register registers a client at a server (RFC 7591). Each call makes another client: a
// program with a store uses a [Registrar], which registers once. A refusal is an [*Error]
// with a Code.
func (f *Finder) Register(ctx context.Context, s *Server, r RegistrationRequest) (*Registration, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if s.RegistrationEndpoint == "" {
		return nil, fmt.Errorf("connectorauth: discovery: the server %s has no registration_endpoint: register the client by hand", s.Issuer)
	}
	sent, err := r.withDefaults(s)
	if err != nil {
		return nil, fmt.Errorf("connectorauth: discovery: %w", err)
	}
	members := sent.members()
	if r.SoftwareStatement != "" {
		members["software_statement"] = string(r.SoftwareStatement)
	}
	return f.manage(ctx, request{
		method: http.MethodPost, to: s.RegistrationEndpoint, token: r.InitialAccessToken,
		body: encode(members), secrets: []string{string(r.SoftwareStatement)},
	}, s.Issuer, sent, nil)
}

// manage makes a request whose response is client information.
func (f *Finder) manage(ctx context.Context, r request, issuer string, sent ClientMetadata, before *Registration) (*Registration, error) {
	resp, err := f.call(ctx, r)
	if err != nil {
		return nil, err
	}
	var i information
	if err = decode(resp.Text(), &i); err == nil {
		var next *Registration
		if next, err = i.registration(issuer, sent, before); err == nil {
			return next, nil
		}
	}
	return nil, &Error{URL: scrub.WithoutQuery(r.to), StatusCode: resp.StatusCode, cause: err}
}

func encode(members map[string]any) []byte {
	text, _ := json.Marshal(members) // check has read all values: cannot fail
	return text
}

// errUnmanaged is the error of a registration without a configuration endpoint.
var errUnmanaged = errors.New("connectorauth: discovery: the server gave no registration_client_uri and registration_access_token (RFC 7592)")

// Read returns the registration as the server has it now (RFC 7592 section 2.1), with a new
// secret or access token if the server has replaced them. An [*Error] with StatusCode 401
// means that the server no longer knows the client, or the access token.
func (f *Finder) Read(ctx context.Context, r *Registration) (*Registration, error) {
	if r.URL == "" || r.AccessToken == "" {
		return nil, errUnmanaged
	}
	return f.manage(ctx, request{method: http.MethodGet, to: r.URL, token: r.AccessToken}, r.Issuer, r.ClientMetadata, r)
}

// Update replaces the metadata of a client (RFC 7592 section 2.2).
func (f *Finder) Update(ctx context.Context, r *Registration, m ClientMetadata) (*Registration, error) {
	if r.URL == "" || r.AccessToken == "" {
		return nil, errUnmanaged
	}
	if err := (RegistrationRequest{ClientMetadata: m}).check(); err != nil {
		return nil, err
	}
	members := m.members()
	members["client_id"] = r.ClientID
	if r.ClientSecret != "" {
		members["client_secret"] = string(r.ClientSecret)
	}
	return f.manage(ctx, request{
		method: http.MethodPut, to: r.URL, token: r.AccessToken, body: encode(members), secrets: []string{string(r.ClientSecret)},
	}, r.Issuer, m, r)
}

// Remove removes the client from the server (RFC 7592 section 2.3).
func (f *Finder) Remove(ctx context.Context, r *Registration) error {
	if r.URL == "" || r.AccessToken == "" {
		return errUnmanaged
	}
	_, err := f.call(ctx, request{method: http.MethodDelete, to: r.URL, token: r.AccessToken})
	if failed := new(Error); errors.As(err, &failed) && 200 <= failed.StatusCode && failed.StatusCode <= 299 {
		return nil // with a body that is no JSON
	}
	return err
}
