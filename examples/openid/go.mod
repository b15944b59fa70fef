module github.com/connectorauth/connectorauth/examples/openid

go 1.25.0

require (
	github.com/connectorauth/connectorauth v0.0.0
	github.com/coreos/go-oidc/v3 v3.21.0
	github.com/go-jose/go-jose/v4 v4.1.4
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/dghubble/oauth1 v0.7.3 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/oauth2 v0.36.0 // indirect
	golang.org/x/text v0.40.0 // indirect
)

replace github.com/connectorauth/connectorauth => ../..
