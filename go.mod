module github.com/connectorauth/connectorauth

go 1.25.0

require (
	github.com/dghubble/oauth1 v0.7.3
	github.com/stretchr/testify v1.11.1
	golang.org/x/oauth2 v0.36.0
)
