// Package storeerror has the errors of records that a program cannot use: the record of a
// newer program, a record sealed under another key, a damaged record, the record of
// another client, and a record that somebody has locked. Test with errors.As; the texts
// are not part of the API. The package needs only the standard library.
//
//	var newer *storeerror.Newer
//	if errors.As(err, &newer) {
//		log.Printf("deploy %s: a record has version %d", newer.Program, newer.Version)
//	}
//
// # What to do
//
// Most of these errors are for whoever runs the program:
//
//   - [Newer]: a newer program has written the record. Deploy that program, or wait until the
//     deployment is through.
//   - [Sealed]: no key of the program opens the value. Add the key to tokenstore.NewSealed.
//   - [Damaged]: the value can never be read. Restore the value, or let the account owner
//     connect the account again.
//   - [Foreign]: the record under this account is that of another client or server. Give one of
//     the two another Account.
//   - [Locked]: somebody else holds the lock for longer than the caller could wait. The error
//     names the [Holder], so far as the store knows.
//
// # What errors show
//
// No error contains a credential. All errors are safe for concurrent use, as long as
// nobody changes the fields.
package storeerror
