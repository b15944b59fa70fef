// Package records names the records that the library keeps in a store beside those of accounts:
// marks of finished consents, and registrations of clients.
package records

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
)

// Consent returns the key of the record that has the marks of finished consents whose digest ends
// with b.
func Consent(b byte) string { return fmt.Sprintf("connectorauth-consents-%02x", b) }

// Client returns the key of the record of a registered client. id is a digest.
func Client(id string) string { return "connectorauth-client-" + id }

// ClientList returns the key of the list that names the record of a client. A list is not sealed: the
// keys of a store are no secret.
func ClientList(client string) string {
	sum := sha256.Sum256([]byte(client))
	return list(sum[0])
}

func list(b byte) string { return fmt.Sprintf("connectorauth-clients-%02x", b) }

// Consents are the keys of the records of finished consents.
func Consents() iter.Seq[string] { return each(Consent) }

// ClientLists are the keys of the lists.
func ClientLists() iter.Seq[string] { return each(list) }

func each(key func(byte) string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for b := range 256 {
			if !yield(key(byte(b))) {
				return
			}
		}
	}
}

// Listed returns the keys in a list. ok is false if the list is damaged.
func Listed(list []byte) (clients []string, ok bool) {
	if list == nil {
		return nil, true
	}
	ok = json.Unmarshal(list, &clients) == nil
	return clients, ok
}

// Enlist returns a list with client. changed is false if client is in the list already. A damaged list
// begins anew: a process puts each client into the list at the first use of the client.
func Enlist(list []byte, client string) (next []byte, changed bool) {
	clients, _ := Listed(list)
	if slices.Contains(clients, client) {
		return list, false
	}
	next, _ = json.Marshal(append(clients, client)) // strings: cannot fail
	return next, true
}
