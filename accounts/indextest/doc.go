// Package indextest tests whether an index keeps the contract of [accounts.Index]. The package
// needs only the standard library.
//
//	func TestIndex(t *testing.T) {
//		indextest.Test(t, func(t *testing.T) accounts.Index { return openMine(t) })
//	}
//
// # What is tested
//
// [Test] writes, lists and claims accounts, also in two processes at a time: one of two writers
// wins, each due account is claimed once, and a list goes on where the page before has ended.
// Texts are whatever Unicode allows.
//
// # Data
//
// Each test opens the index twice, and removes the accounts that the test has put there. Begin
// with an index without accounts.
package indextest
