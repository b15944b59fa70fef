module github.com/connectorauth/connectorauth/examples/guides

go 1.25.0

require (
	github.com/connectorauth/connectorauth v0.0.0
	github.com/connectorauth/connectorauth/catalog v0.0.0
	github.com/dghubble/oauth1 v0.7.3
	github.com/stretchr/testify v1.12.1
	golang.org/x/oauth2 v0.36.0
	modernc.org/sqlite v1.58.0
)

require (
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/ncruces/go-strftime v1.0.0 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.40.0 // indirect
	modernc.org/libc v1.75.6 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)

replace (
	github.com/connectorauth/connectorauth => ../..
	github.com/connectorauth/connectorauth/catalog => ../../catalog
)
