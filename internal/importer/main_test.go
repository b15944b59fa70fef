package importer_test

import (
	"testing"

	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
