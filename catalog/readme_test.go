package catalog_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/catalog"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// first is the first example of the README, as internal/doccheck sees to.
func first(key connectorauth.Secret) error {
	stripe, err := catalog.Find("stripe", catalog.Options{})
	if err != nil {
		return err
	}
	account, err := stripe.Connect(definition.Connection{Method: "key", Values: map[string]connectorauth.Secret{"apiKey": key}})
	if err != nil {
		return err // in words for the account owner
	}
	client := connectorauth.NewClient(account.Connector(), nil)
	resp, err := client.Get("https://api.stripe.com/v1/account")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func TestFirstExampleOfTheREADMEIsShort(t *testing.T) {
	var missing *definition.InputError
	require.ErrorAs(t, first(""), &missing)

	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(readme), "```go\n")
	require.True(t, ok)
	block, _, ok := strings.Cut(rest, "```")
	require.True(t, ok)
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() {\n"+block+"}", 0)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(file.Decls[0].(*ast.FuncDecl).Body.List), 6, "a real service takes six statements")
}
