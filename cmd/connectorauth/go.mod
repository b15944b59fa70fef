module github.com/connectorauth/connectorauth/cmd/connectorauth

go 1.25.0

require (
	github.com/coder/websocket v1.8.15
	github.com/connectorauth/connectorauth v0.0.0
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
