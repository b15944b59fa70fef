package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// Reseal seals what the Store has again with the first of Config.Keys, so an old key can go: see
// tokenstore.Reseal, and tokenstore.NewSealed for the steps before and after. Reseal includes what
// account owners have given, and all tokens, of each account in the Index, whatever the status
// and whether or not this process has the definition; the marks of finished consents; and the
// registrations of each discovery.Registrar with the same Store, whose Keys must be the same.
//
// Reseal makes no request, and may run beside all else, in several processes at one time. After an
// error, or if ctx or the process has ended, call Reseal again: what is done stays done. The error
// names each record that no key opens, and Reseal goes on with the others. The owner of such an
// account must connect the account again. A record of a former generation, for which
// Account.Current has another number, and a record of the library, whose key begins with
// "connectorauth-", have no owner: remove the record from the Store. An error of the Index, such as
// an unreadable row, ends the accounts, and an outage of the Store ends Reseal.
func (r *Registry) Reseal(ctx context.Context) (tokenstore.Resealed, error) {
	var problems []error
	done, err := tokenstore.Reseal(ctx, r.store, func(yield func(string) bool) {
		for key, err := range r.sealedKeys(ctx) {
			if err != nil {
				problems = append(problems, err)
			} else if !yield(key) {
				return
			}
		}
	})
	return done, errors.Join(append(problems, err)...)
}

// sealedKeys are the keys of the records of all accounts, and of some that the Store does not have. An
// error is that of a list, beside the others, or ends the keys.
func (r *Registry) sealedKeys(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for a, err := range r.All(ctx, Filter{}) {
			if err != nil {
				yield("", err)
				return
			}
			for number := max(a.First, 1); number <= a.Last; number++ { // also those that a dead process has left
				keys, err := r.keysOf(ctx, a.ID, number)
				if err != nil && (!yield("", err) || !renew.IsDamaged(err) && !errors.As(err, new(*storeerror.Newer))) {
					return
				}
				for _, key := range keys {
					if !yield(key, nil) {
						return
					}
				}
			}
		}
	}
}

// keysOf returns the keys of the records of a generation. A generation without values has ended. A
// definition of another process may have more credentials than the values say, so there are always some
// keys to spare.
func (r *Registry) keysOf(ctx context.Context, id string, number int) ([]string, error) {
	text, found, err := r.store.Load(ctx, valuesKey(id, number))
	if err == nil && !found {
		return nil, nil
	}
	var k keptJSON
	_ = json.Unmarshal(text, &k) // of no text, if no key opens the values: Reseal says so
	list := tokenKey(id, number) + listSuffix
	further, isList, err := r.furtherKeys(ctx, list)
	if isList && len(further) == 0 {
		err = &storeerror.Damaged{Err: fmt.Errorf("accounts: the store: %q is damaged; connect the account again", list)}
	}
	return slices.Concat([]string{valuesKey(id, number)}, tokenKeys(id, number, max(k.Records, unknownRecords)), further), err
}
