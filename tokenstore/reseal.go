package tokenstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/connectorauth/connectorauth/internal/records"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// Resealed counts the values that a Reseal has found.
type Resealed struct {
	Sealed int // sealed again with the first key
	Before int // sealed with the first key before
}

// Reseal seals values of store again with the first key: the third step of the replacement of
// a key, see [NewSealed]. store is what NewSealed has returned, around a [SharedStore].
//
// Reseal seals the values under keys, and what the library keeps in the same store beside accounts:
// marks of finished consents, and the registrations of a discovery.Registrar. A program with
// package accounts calls Reseal of the Registry, which knows the keys. Any other program gives the
// Account of each connector. A connector of package definition has a record for each credential of
// Method.And too, with "#2", "#3" and so on after the Account. An account of package discovery
// has a record with "#found". Of an account of package mcp, the records begin with the Account
// and "#": the table of a [SQL] shows these names. A key without a value is no error. Nil gives no keys.
//
// The values stay the same, and a value that the first key has sealed is not written. Reseal may run
// beside renewals, and in several processes at one time. A Reseal that was interrupted has done no harm:
// call Reseal again. After a Reseal without an error, the first key alone opens all values that Reseal
// has found, provided that no process seals with another key any more.
//
// The error names each value that no key opens, such as one that was sealed with a lost key or never
// sealed: a *storeerror.Sealed, *storeerror.Damaged or *storeerror.Newer. Reseal goes on with the
// other values. Of more than 1,000 errors, the error counts the rest. An outage of the store and the
// end of ctx end Reseal, and the numbers are those so far.
func Reseal(ctx context.Context, store Store, keys iter.Seq[string]) (Resealed, error) {
	s, ok := store.(interface {
		resealable(ctx context.Context, keys iter.Seq[string]) iter.Seq2[string, error]
		reseal(ctx context.Context, key string) (Resealed, error)
	})
	if !ok {
		return Resealed{}, errors.New("tokenstore: Reseal: store: want what NewSealed returns around a SharedStore; without CompareAndSwap, a value that is renewed meanwhile would be lost")
	}
	var done Resealed
	var problems []error
	further := 0
	for key, err := range s.resealable(ctx, keys) {
		if err == nil {
			var one Resealed
			one, err = s.reseal(ctx, key)
			done.Sealed += one.Sealed
			done.Before += one.Before
		}
		if err == nil {
			continue
		}
		ends := !isOfValue(err)
		if ends || len(problems) < maxNamed {
			problems = append(problems, err)
		} else {
			further++
		}
		if ends {
			break
		}
	}
	if further > 0 {
		problems = append(problems, fmt.Errorf("tokenstore: Reseal: and %d further errors", further))
	}
	return done, errors.Join(problems...)
}

// maxNamed is how many errors Reseal returns: a program without the old key may have one for each of a
// million accounts.
const maxNamed = 1000

// isOfValue reports whether an error is that of one value, and says nothing about other values.
func isOfValue(err error) bool { return renew.IsDamaged(err) || errors.As(err, new(*storeerror.Newer)) }

// resealable are keys, and the keys of what the library keeps beside accounts. An error is that of a
// list which cannot be read.
func (s *sealedShared) resealable(ctx context.Context, keys iter.Seq[string]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		all := func(keys iter.Seq[string]) bool {
			for key := range keys {
				if !yield(key, nil) {
					return false
				}
			}
			return true
		}
		if keys != nil && !all(keys) || !all(records.Consents()) {
			return
		}
		for list := range records.ClientLists() {
			stored, _, err := s.shared.Load(ctx, list)
			clients, ok := records.Listed(stored)
			if err == nil && !ok {
				err = fail("reseal", list, damaged("the list of registered clients is damaged: remove the value, start the program again, and use each account whose client is registered"))
			}
			if err != nil && !yield(list, err) || !all(slices.Values(clients)) {
				return
			}
		}
	}
}

// reseal seals the value of key with the first key.
func (s *sealedShared) reseal(ctx context.Context, key string) (Resealed, error) {
	for {
		envelope, ok, err := s.shared.Load(ctx, key)
		if err != nil || !ok {
			return Resealed{}, err
		}
		value, err := s.open(key, envelope)
		if err != nil {
			return Resealed{}, fail("reseal", key, err)
		}
		if sealer(envelope) == s.first {
			return Resealed{Before: 1}, nil
		}
		swapped, err := s.shared.CompareAndSwap(ctx, key, envelope, s.seal(key, value))
		if err != nil {
			return Resealed{}, err
		}
		if swapped {
			return Resealed{Sealed: 1}, nil
		}
		// Another process has stored a value, or has deleted the value.
	}
}
