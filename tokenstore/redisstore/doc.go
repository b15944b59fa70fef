// Package redisstore keeps the tokens of connectors in Redis, for many
// replicas.
//
//	store, err := redisstore.New(redisstore.Config{Client: redis.NewClient(&redis.Options{
//		Addr: "redis.internal:6379", ContextTimeoutEnabled: true,
//	})})
//
// # How to set up Redis
//
// A saved token must not vanish, so set Redis up as a database, not as a cache:
// appendonly yes, appendfsync always, and maxmemory-policy noeviction.
// Replication in Redis is asynchronous: a fail-over may lose the last writes
// and locks. A lost write may be a refresh token that the provider has
// replaced; the account owner must then authorize again. If a fail-over must
// lose nothing, use [tokenstore.SQL].
//
// # What is in Redis
//
// Values are under [Config].Prefix + "token:" + key, and locks under Prefix + "lock:" + key.
// Values never expire. Redis sees the tokens: [tokenstore.NewSealed] around the store encrypts
// the values.
//
// # Locks
//
// The lock of a living holder is prolonged, however long a renewal takes, and the lock of a
// dead process is free within [Config].Lease. Package tokenstore says what a lock guarantees.
//
// # Who closes the client
//
// The program does, after the last use of the store. The store has no goroutine of its own
// when nobody holds a lock and nobody waits.
package redisstore
