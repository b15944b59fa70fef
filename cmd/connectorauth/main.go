// Connectorauth connects accounts at services and calls their APIs, from a terminal or a script.
//
//	connectorauth connect github
//	connectorauth call github GET /user
//
// Run connectorauth help to see all commands.
package main

import (
	"os"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
