package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth/definition"
)

// metadata reads the metadata from which a consent learns the endpoints: of the protected
// resource (RFC 9728) for an MCP server, and of the authorization server (RFC 8414). The step is
// absent where the definition names the endpoints.
func (x *examination) metadata(ctx context.Context) bool {
	finder := x.config.Accounts.Finder
	if x.m == nil || finder == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, accountMax)
	defer cancel()
	begin := time.Now()
	s := Step{Name: "metadata", Outcome: OK}
	issuer, err := "", error(nil)
	switch scheme := x.m.Scheme.(type) {
	case *definition.OAuth2:
		if scheme.Issuer == nil {
			return true
		}
		issuer = x.filled(scheme.Issuer.URL)
	case *definition.Foreign:
		server := x.filled(scheme.Members["url"])
		if scheme.Type() != "MCP" || server == "" {
			return true
		}
		resource, failure := finder.Resource(ctx, server, nil)
		switch issuer = x.filled(scheme.Members["issuer"]); {
		case failure != nil:
			s.Target, err = server, failure
			s.advice = fmt.Sprintf("Check the URL of the MCP server, or tell whoever runs it to publish the metadata of the protected resource (RFC 9728), because no consent can begin without: %v", failure)
		case issuer == "" && len(resource.AuthorizationServers) == 0:
			s.Target, err = server, fmt.Errorf("the metadata of %s name no authorization server", server)
			s.advice = fmt.Sprintf("Tell whoever runs the MCP server to name its authorization server (RFC 9728 section 2), because %v", err)
		case issuer == "":
			issuer = resource.AuthorizationServers[0]
		}
	default:
		return true
	}
	if err == nil && issuer != "" {
		s.Target = issuer
		if _, err = finder.Server(ctx, issuer); err != nil {
			s.advice = fmt.Sprintf("Correct the issuer of the definition, or tell whoever runs %s to publish its metadata (RFC 8414), because no consent can begin without: %v", issuer, err)
		}
	}
	s.Duration, s.Detail = time.Since(begin), "the metadata name the endpoints"
	if err != nil {
		s.Outcome, s.Cause, s.Detail = Fault, CauseMetadata, err.Error()
	}
	x.step(s)
	return true
}
