package discovery_test

import (
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A server that requires pushed requests refuses every other consent (RFC 9126 section 5).
func TestFillPushesWhereTheServerRequiresPushes(t *testing.T) {
	server := metadata()
	server.PushedAuthorizationRequestEndpoint = "https://a.example/par"
	config := connectorauth.OAuth2Config{ClientID: "id"}
	require.NoError(t, server.Fill(&config))
	assert.Empty(t, config.Grant.(connectorauth.AuthorizationCode).PushedAuthorizationRequestURL, "the server takes both")

	server.RequirePushedAuthorizationRequests = true
	config = connectorauth.OAuth2Config{ClientID: "id"}
	require.NoError(t, server.Fill(&config))
	assert.Equal(t, "https://a.example/par", config.Grant.(connectorauth.AuthorizationCode).PushedAuthorizationRequestURL)

	config = connectorauth.OAuth2Config{ClientID: "id", Grant: connectorauth.AuthorizationCode{PushedAuthorizationRequestURL: "https://b.example/par"}}
	require.NoError(t, server.Fill(&config))
	assert.Equal(t, "https://b.example/par", config.Grant.(connectorauth.AuthorizationCode).PushedAuthorizationRequestURL)

	server.MTLSEndpointAliases["pushed_authorization_request_endpoint"] = "https://mtls.a.example/par"
	config = connectorauth.OAuth2Config{ClientID: "id", ClientAuth: connectorauth.ClientAuthTLS}
	require.NoError(t, server.Fill(&config))
	assert.Equal(t, "https://mtls.a.example/par", config.Grant.(connectorauth.AuthorizationCode).PushedAuthorizationRequestURL)

	server.PushedAuthorizationRequestEndpoint = ""
	config = connectorauth.OAuth2Config{ClientID: "id"}
	require.ErrorContains(t, server.Fill(&config), "no pushed_authorization_request_endpoint")
}

func TestFillCompletesADevice(t *testing.T) {
	server := metadata()
	server.GrantTypesSupported = append(server.GrantTypesSupported, connectorauth.DeviceCode{}.GrantType())
	config := connectorauth.OAuth2Config{ClientID: "id", Grant: connectorauth.DeviceCode{}}
	require.ErrorContains(t, server.Fill(&config), "no device_authorization_endpoint")
	server.DeviceAuthorizationEndpoint = "https://a.example/device"
	require.NoError(t, server.Fill(&config))
	assert.Equal(t, "https://a.example/device", config.Grant.(connectorauth.DeviceCode).DeviceURL)
	_, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
}
