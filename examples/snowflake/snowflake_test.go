package main

import (
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestOneSignatureServesThreeStatements(t *testing.T) {
	snowflake, private := newSnowflake()
	defer snowflake.Close()
	var out strings.Builder
	require.NoError(t, run(&out, private, snowflake.URL))
	assert.Equal(t, 1, strings.Count(out.String(), "JWT: renewed\n"), out.String())
	assert.Equal(t, 3, strings.Count(out.String(), "statement: 200 OK\n"), out.String())
}

func TestKeyOfAnotherUserIsRefused(t *testing.T) {
	snowflake, _ := newSnowflake()
	defer snowflake.Close()
	other, private := newSnowflake()
	other.Close()
	var out strings.Builder
	require.EqualError(t, run(&out, private, snowflake.URL), "the API refused the JWT")
	assert.Contains(t, out.String(), "statement: 401")
}
