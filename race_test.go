//go:build race

package connectorauth_test

func init() { underRace = true }
