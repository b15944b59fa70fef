// Package guides runs the Go code of the guides in docs. Each guide has a file of
// tests with the name of the guide, so docs/status.md has status_test.go.
// internal/doccheck looks for the blocks of the guides there.
package guides
