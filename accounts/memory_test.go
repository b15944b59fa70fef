package accounts_test

import (
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/indextest"
)

func TestMemory(t *testing.T) {
	var index accounts.Memory
	indextest.Test(t, func(*testing.T) accounts.Index { return &index })
}
