package redisstore_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/tokenstore/redisstore"
)

func TestReflectionReachesNoPasswordOfRedis(t *testing.T) {
	const password = "canary-password-5f2a"
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", Password: password})
	defer client.Close()
	store, err := redisstore.New(redisstore.Config{Client: client})
	require.NoError(t, err)
	canary.New(t, password).Reach("Store", store)
}
