module github.com/connectorauth/connectorauth/cmd/connectorauth

go 1.25.0

require (
	github.com/coder/websocket v1.8.15
	github.com/connectorauth/connectorauth v0.0.0
	github.com/connectorauth/connectorauth/awsauth v0.0.0
	github.com/connectorauth/connectorauth/catalog v0.0.0
	github.com/connectorauth/connectorauth/definition/yaml v0.0.0
	github.com/connectorauth/connectorauth/digestauth v0.0.0
	github.com/creack/pty v1.1.24
	github.com/spf13/cobra v1.10.2
	github.com/stretchr/testify v1.11.1
	golang.org/x/net v0.57.0
	golang.org/x/oauth2 v0.36.0
	golang.org/x/sys v0.47.0
	golang.org/x/term v0.45.0
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/dghubble/oauth1 v0.7.3 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	go.yaml.in/yaml/v4 v4.0.0 // indirect
	golang.org/x/text v0.40.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)

replace github.com/connectorauth/connectorauth => ../..

replace github.com/connectorauth/connectorauth/awsauth => ../../awsauth

replace github.com/connectorauth/connectorauth/catalog => ../../catalog

replace github.com/connectorauth/connectorauth/definition/yaml => ../../definition/yaml

replace github.com/connectorauth/connectorauth/digestauth => ../../digestauth
