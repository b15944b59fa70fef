package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/cli"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
)

// asProgram is set where the test program takes the part of connectorauth.
const asProgram = "CONNECTORAUTH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(cli.Main(os.Args[1:]))
	}
	os.Setenv(home.Variable, filepath.Join(os.DevNull, "home")) // nobody can make the folder: a test that names none fails
	os.Exit(m.Run())
}
