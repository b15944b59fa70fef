package cli_test

import (
	"os"
	"testing"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/cli"
)

// asProgram is set where the test program takes the part of connectorauth.
const asProgram = "CONNECTORAUTH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(cli.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}
