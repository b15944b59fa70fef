// Package tokenstore keeps the tokens of connectors: in memory, in files, in a
// SQL database, or encrypted in any of these stores.
//
//	store, err := tokenstore.NewFile("/var/lib/myapp/tokens")
//	...
//	google, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
//		Store: store, Account: "alice/google",
//		...
//	})
//
// # Choosing a store
//
//   - One program: [Memory], or [File] if tokens should survive a restart.
//   - Several programs on the same host: [File], or [SQL] with SQLite.
//   - Many replicas: [SQL] with PostgreSQL or MySQL, or the module redisstore.
//   - Tokens that must stay hidden in backups, on disks and from administrators:
//     [NewSealed], around any of these stores.
//
// Every store is safe for concurrent use by many goroutines. All stores but
// Memory are also safe for concurrent use by many processes.
//
// # Locks
//
// A lock lets only a single process at a time renew a token. The store prolongs
// the lock while the holder lives, however long the renewal takes. The lock of a
// dead process is free within 15 seconds; a lock of [File] is free at once. A
// process that was stopped for so long may lose the lock: the process learns so
// from [Lease], before the process sends anything. If the process is stopped just
// after it has asked, CompareAndSwap still keeps the newer token, which another
// process has saved.
//
// # Waiting
//
// All stores of this package have a method Wait, which returns when another
// process has replaced a value. A store reads all values that anybody waits for
// together, about five times a second, with one goroutine that ends when nobody
// waits. [Memory] needs no goroutine and wakes callers at once.
//
// # Errors
//
// A value that the program cannot use, and a lock that somebody holds, are errors of
// package storeerror: test with [errors.As].
//
// # Keys
//
// [NewSealed] says in which steps a program replaces a key without losing a value, and [Reseal] is
// the step that seals values again.
//
// # Other stores
//
// Package tokenstoretest has tests for any other implementation. Package lease
// helps to write the methods Lock and Wait.
package tokenstore
