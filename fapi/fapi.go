package fapi

import (
	"context"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/endpoint"
)

// A Finding is a requirement that a config does not meet.
type Finding struct {
	// Clause is the section of the FAPI 2.0 Security Profile, such as "5.3.3.2".
	Clause string
	// Field is the field of the config, such as "Grant: DisablePKCE", or "Metadata" and the
	// member of the server's metadata.
	Field string
	// Problem says what is wrong.
	Problem string
	// Advice says what to do.
	Advice string
}

// String returns the finding in one line.
func (f Finding) String() string {
	return f.Field + ": " + f.Problem + " (FAPI 2.0 section " + f.Clause + "); " + f.Advice
}

// Check lists everything in which config falls short of the profile's requirements for
// clients (sections 5.2, 5.3.3 and 5.4), in the order of the config's fields. An empty list
// means that nothing was found.
//
// server is the metadata of the authorization server, as a discovery.Finder returns them. A
// client of the profile takes its endpoints from there (section 5.3.3.1). Nil means that the
// endpoints are not compared, and that nothing is known of what the server supports.
//
// Check judges signatures by what goes out, whatever type makes them: ClientAuth signs one
// assertion, and Proof one proof, with a new key if the accounts have keys of their own. Both
// are thrown away, and no request is made. ctx is for ClientAuth.
//
// The profile covers the AuthorizationCode grant, and ClientCredentials where no account
// owner takes part. With ClientAuthTLS or ClientAuthSelfSignedTLS and no Proof, tokens are
// bound to the certificate (RFC 8705 section 3): requests to the API then need
// [assertion.CertificateTransport.Connector] as well, which no config shows.
//
// An error means that NewOAuth2 refuses config, or that ClientAuth or Proof failed.
func Check(ctx context.Context, config connectorauth.OAuth2Config, server *discovery.Server) ([]Finding, error) {
	if _, err := connectorauth.NewOAuth2(config); err != nil {
		return nil, err
	}
	c := check{config: config, server: server}
	c.code, c.consent = config.Grant.(connectorauth.AuthorizationCode)
	_, c.certificate = endpoint.TransportOf(config.HTTPClient).(*assertion.CertificateTransport)
	switch config.ClientAuth {
	case connectorauth.ClientAuthTLS, connectorauth.ClientAuthSelfSignedTLS:
		c.certificate = true
	}
	c.endpoints()
	c.connections()
	c.grant()
	err := c.clientAuth(ctx)
	if err == nil {
		err = c.proof()
	}
	if err != nil {
		return nil, err
	}
	c.dialect()
	return c.found, nil
}

// A check is one Check.
type check struct {
	config      connectorauth.OAuth2Config
	server      *discovery.Server // nil: not known
	code        connectorauth.AuthorizationCode
	consent     bool // the grant is code
	certificate bool // the connections to the provider present a certificate
	found       []Finding
}

func (c *check) add(clause, field, problem, advice string) {
	c.found = append(c.found, Finding{clause, field, problem, advice})
}
