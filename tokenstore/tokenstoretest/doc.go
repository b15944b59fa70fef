// Package tokenstoretest tests whether a store keeps the contract of
// connectorauth.TokenStore and connectorauth.SharedTokenStore. The package
// needs only the standard library.
//
//	func TestStore(t *testing.T) {
//		tokenstoretest.Run(t, func(t *testing.T) tokenstore.Store { return openMine(t) })
//	}
//
// # What is tested
//
// [Run] tests Load, Save and Delete with keys and values of any bytes, and the methods
// CompareAndSwap, Lock and Wait if the store has them. A store without these methods is a
// plain TokenStore, for one process.
//
// # Leases
//
// [RunLease] tests a store whose locks end by themselves, as those of a database must: the
// lock of a living holder stays, and the lock of a dead process ends.
//
//	func TestLeases(t *testing.T) {
//		tokenstoretest.RunLease(t, 6*time.Second, func(t *testing.T) (tokenstore.SharedStore, func(bool)) {
//			return openMine(t), cutTheNetwork
//		})
//	}
//
// # Data
//
// Tests open the data more than once, as several processes do, and delete what they have saved.
// Begin with a store without other data.
package tokenstoretest
