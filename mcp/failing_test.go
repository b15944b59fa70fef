package mcp_test

import (
	"context"
	"errors"
	"testing"

	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
)

// No consent starts where the store fails.
func TestStoreFails(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	broken := errors.New("out of order")
	config.OAuth2.Store = failing{broken}
	account := must(mcp.New(config))
	_, _, err := account.Begin(t.Context(), callbackURL)
	assert.ErrorIs(t, err, broken)
	_, err = account.TokenSource(t.Context())
	assert.ErrorIs(t, err, broken)
}

type failing struct{ err error }

func (f failing) Load(context.Context, string) ([]byte, bool, error) { return nil, false, f.err }
func (f failing) Save(context.Context, string, []byte) error         { return f.err }
func (f failing) Delete(context.Context, string) error               { return f.err }
