module github.com/connectorauth/connectorauth

go 1.25.0

require (
	github.com/dghubble/oauth1 v0.7.3
	github.com/stretchr/testify v1.11.1
	golang.org/x/net v0.57.0
	golang.org/x/oauth2 v0.36.0
	golang.org/x/text v0.40.0
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
