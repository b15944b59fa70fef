package redisstore_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/replicas"
	"github.com/connectorauth/connectorauth/tokenstore/redisstore"
)

func openReplica(address string) (connectorauth.TokenStore, error) {
	client := redis.NewClient(&redis.Options{Addr: address, ContextTimeoutEnabled: true})
	return redisstore.New(redisstore.Config{Client: client, Prefix: "replicas:"})
}

func TestReplicas(t *testing.T) { replicas.Test(t, openReplica, address(t)) }
