module github.com/connectorauth/connectorauth/internal/release

go 1.25.0

require (
	github.com/google/licensecheck v0.3.1
	github.com/stretchr/testify v1.11.1
	golang.org/x/exp v0.0.0-20260603202125-055de637280b
	golang.org/x/mod v0.36.0
	golang.org/x/tools v0.45.0
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	golang.org/x/sync v0.20.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
