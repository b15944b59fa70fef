module github.com/connectorauth/connectorauth/examples/script

go 1.25.0

require (
	github.com/connectorauth/connectorauth v0.0.0
	github.com/connectorauth/connectorauth/script v0.0.0
)

require (
	github.com/dghubble/oauth1 v0.7.3 // indirect
	github.com/dlclark/regexp2/v2 v2.5.2 // indirect
	github.com/dop251/goja v0.0.0-20260917113740-793a2a65c13b // indirect
	github.com/go-sourcemap/sourcemap v2.1.3+incompatible // indirect
	github.com/google/pprof v0.0.0-20260802141513-ef3492d7dac3 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/oauth2 v0.36.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)

replace (
	github.com/connectorauth/connectorauth => ../..
	github.com/connectorauth/connectorauth/script => ../../script
)
