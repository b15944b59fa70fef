package accounts

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// A generation is an account with the values and the token of one Connect or Reconnect.
type generation struct {
	id        string
	number    int
	connected *definition.Connected
	client    *http.Client // of Connection; may be nil
	kept      kept
	opened    bool // the connector is known: see definition.Connected.Open
}

// kept is what the Store has of the values of a generation.
type kept struct {
	account       definition.Account
	otherIdentity bool
	duplicate     bool
	records       int // how many the tokens may have: see tokenKeys
}

// keptJSON is the JSON form of a kept.
type keptJSON struct {
	Account       json.RawMessage `json:"account"`
	OtherIdentity bool            `json:"otherIdentity,omitempty"`
	Duplicate     bool            `json:"duplicate,omitempty"`
	Records       int             `json:"records,omitempty"`
}

// A credential is a connector whose token is in the Store: an *OAuth1, *OAuth2 or *Custom.
type credential interface {
	Status(ctx context.Context) (connectorauth.Status, error)
	Forget(ctx context.Context) error
}

// errNoValues: the Store has nothing of a generation.
var errNoValues error = noValues{}

// noValues is the type of errNoValues.
type noValues struct{}

func (noValues) Error() string {
	return "accounts: what the account owner has given is not in the store; connect the account again"
}

// Is reports whether target is an error of an account whose owner must act.
func (noValues) Is(target error) bool { return target == connectorauth.ErrReauthRequired }

// tokenKey is the key of the token in the Store, and the Account of the connector.
func tokenKey(id string, number int) string { return fmt.Sprintf("%s/%d", id, number) }

// valuesKey is the key of the values in the Store.
func valuesKey(id string, number int) string { return tokenKey(id, number) + valuesSuffix }

const valuesSuffix = "/values"

// unknownRecords is how many records a generation may have that does not say.
const unknownRecords = 9

// tokenKeys returns the keys of the tokens in the Store. Each credential of Method.And may have
// a token: see definition.Connection.
func tokenKeys(id string, number, records int) []string {
	keys := []string{tokenKey(id, number)}
	for i := 2; i <= records; i++ {
		keys = append(keys, fmt.Sprintf("%s#%d", keys[0], i))
	}
	return keys
}

// open makes the connector of a generation, of values that need not be in the Store.
func (r *Registry) open(ctx context.Context, a Account, number int, k kept, connect func(definition.Connection) (*definition.Connected, error)) (*generation, error) {
	a.Method = cmp.Or(k.account.Method, a.Method) // the Index has that of the generation in use
	connection, err := r.connection(ctx, a, number)
	if err != nil {
		return nil, err
	}
	connected, err := connect(connection)
	if err != nil {
		return nil, ofProgram(err)
	}
	g := &generation{id: a.ID, number: number, connected: connected, client: connection.HTTPClient, kept: k}
	return g, g.openConsent(ctx)
}

// connection returns what the connector of a generation needs beside the values.
func (r *Registry) connection(ctx context.Context, a Account, number int) (definition.Connection, error) {
	of := a
	of.Current = number
	connection, err := r.added(ctx, of)
	if err != nil {
		return connection, err
	}
	nobody := r.As("") // a connector outlives the actor
	connection.Store, connection.Account, connection.Shared = r.store, tokenKey(a.ID, number), r.config.Shared
	connection.Observe = func(e connectorauth.Event) { nobody.happened(a.ID, number, e) }
	return connection, nil
}

// added returns what the program adds to an account.
func (r *Registry) added(ctx context.Context, a Account) (definition.Connection, error) {
	if r.config.Connection == nil {
		return definition.Connection{}, nil
	}
	c, err := r.config.Connection(ctx, a)
	if err != nil {
		return definition.Connection{}, outage{fmt.Errorf("accounts: Connection: %w", err)}
	}
	return definition.Connection{Client: c.Client, HTTPClient: c.HTTPClient, RenewBefore: c.RenewBefore, Values: c.Values}, nil
}

// same reports whether the program adds the same to an account as before. An HTTPClient may
// be another value each time, and be the same.
func same(a, b definition.Connection) bool {
	return a.Client == b.Client && a.RenewBefore == b.RenewBefore && maps.Equal(a.Values, b.Values)
}

// reopen makes the connector of a generation of the Store.
func (r *Registry) reopen(ctx context.Context, a Account, number int) (*generation, error) {
	k, err := r.load(ctx, a.ID, number)
	if err != nil {
		return nil, err
	}
	return r.openKept(ctx, a, number, k)
}

// openKept makes the connector of a generation of the values in the Store.
func (r *Registry) openKept(ctx context.Context, a Account, number int, k kept) (*generation, error) {
	return r.open(ctx, a, number, k, func(connection definition.Connection) (*definition.Connected, error) {
		return r.config.Definitions().Connect(k.account, connection)
	})
}

// reopenCurrent makes the connector of the generation in use. The account that is returned is
// as a Reconnect or a Disconnect has left the account meanwhile.
func (r *Registry) reopenCurrent(ctx context.Context, a Account) (Account, *generation, error) {
	for {
		g, err := r.reopen(ctx, a, a.Current)
		if !errors.Is(err, errNoValues) {
			return a, g, err
		}
		now, getErr := r.Get(ctx, a.ID)
		switch {
		case getErr != nil:
			return a, nil, getErr
		case now.Status == StatusDisconnected:
			return now, nil, ErrDisconnected
		case now.Current == a.Current, now.Current == 0:
			return now, nil, err
		}
		a = now
	}
}

// load reads the values of a generation.
func (r *Registry) load(ctx context.Context, id string, number int) (kept, error) {
	text, found, err := r.store.Load(ctx, valuesKey(id, number))
	if err != nil {
		return kept{}, fmt.Errorf("accounts: the store: %w", err)
	}
	var record keptJSON
	if !found || json.Unmarshal(text, &record) != nil {
		return kept{}, errNoValues
	}
	account, err := definition.DecodeAccount(record.Account)
	return kept{account, record.OtherIdentity, record.Duplicate, cmp.Or(record.Records, unknownRecords)}, err
}

// save writes the values of a generation that the Index announces. The lock is that of erase:
// either save sees that the account has been disconnected meanwhile, or Disconnect sees what
// save has written.
func (r *Registry) save(ctx context.Context, g *generation) error {
	account, err := g.connected.Account().Encode()
	if err != nil {
		return err
	}
	records := 1
	if m := method(g.connected, r.config.Definitions()); m != nil {
		records += len(m.And)
	}
	text, err := json.Marshal(keptJSON{account, g.kept.otherIdentity, g.kept.duplicate, records})
	if err != nil {
		return err
	}
	key := valuesKey(g.id, g.number)
	lease, err := r.config.Store.Lock(ctx, key)
	if err != nil {
		return ofStore(fmt.Errorf("accounts: the store: %w", err))
	}
	defer lease.Unlock()
	a, err := r.Get(ctx, g.id)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && (a.Status == StatusDisconnected || a.Pending != g.number):
		return ErrSuperseded
	case err != nil:
		return err
	}
	if err := r.store.Save(ctx, key, text); err != nil {
		return fmt.Errorf("accounts: the store: %w", err)
	}
	return nil
}

// needsConsent reports whether the account owner must consent before there is a token.
func (g *generation) needsConsent(ctx context.Context) (bool, error) {
	if _, ok := g.consent(); !ok {
		return false, nil
	}
	c, ok := g.credential()
	if !ok {
		return true, nil
	}
	status, err := c.Status(ctx)
	return status.State == connectorauth.StateNotConnected || status.State == connectorauth.StateReauthRequired, err
}

// forget removes the token, also from memory. The provider is not told.
func (g *generation) forget(ctx context.Context) error {
	if c := g.connected.Consent(); c != nil {
		return c.Forget(ctx)
	}
	if c, ok := g.credential(); ok {
		return c.Forget(ctx)
	}
	return nil
}

// recordsOf returns how many records the tokens of a generation may have whose values could
// not be loaded. Once the values are gone, so are the tokens.
func recordsOf(err error) int {
	if errors.Is(err, errNoValues) {
		return 1
	}
	return unknownRecords
}

// remove takes a generation out of the Store. A nil g means a generation that cannot be
// opened, and records is how many records its tokens may have. The values go before the tokens
// go for good: see guarded.
func (r *Registry) remove(ctx context.Context, id string, number, records int, g *generation) error {
	if number == 0 {
		return nil
	}
	if g != nil {
		records = g.kept.records
		if m := method(g.connected, r.config.Definitions()); m != nil {
			records = max(records, 1+len(m.And))
		}
	}
	list := tokenKey(id, number) + listSuffix
	further, _, err := r.furtherKeys(ctx, list)
	keys := append(tokenKeys(id, number, records), further...)
	for _, key := range keys {
		err = errors.Join(err, r.store.Delete(ctx, key))
	}
	if err == nil { // or else the values are needed to try again
		err = r.erase(ctx, valuesKey(id, number))
	}
	var isList bool
	if err == nil { // no record comes to the list any more
		further, isList, err = r.furtherKeys(ctx, list)
	}
	if keys = append(keys, further...); isList {
		keys = append(keys, list)
	}
	for i, key := range keys {
		if err == nil && !slices.Contains(keys[:i], key) {
			err = r.erase(ctx, key)
		}
	}
	if err != nil {
		return fmt.Errorf("accounts: the store: %w", err)
	}
	return nil
}

// furtherKeys returns the keys of the records that a Kind has made, and whether there is a list:
// see listOf.
func (r *Registry) furtherKeys(ctx context.Context, list string) (keys []string, isList bool, err error) {
	names, stored, err := listed(ctx, r.config.Store, list)
	for _, name := range names {
		keys = append(keys, strings.TrimSuffix(list, listSuffix)+"#"+name)
	}
	return keys, stored != nil, err
}

// erase deletes a record after all who are about to write the record.
func (r *Registry) erase(ctx context.Context, key string) error {
	lease, err := r.config.Store.Lock(ctx, key)
	if err != nil {
		return ofStore(err)
	}
	defer lease.Unlock()
	return r.store.Delete(ctx, key)
}

// discard removes a generation that is of no use any more, even if ctx has ended. What
// cannot be removed now, Disconnect removes.
func (r *Registry) discard(ctx context.Context, a Account, number int) error {
	if number == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	k, err := r.load(ctx, a.ID, number)
	if err != nil {
		return r.remove(ctx, a.ID, number, recordsOf(err), nil)
	}
	g, _ := r.openKept(ctx, a, number, k)
	return r.remove(ctx, a.ID, number, k.records, g)
}

// patience is how long a write may take that goes on after its caller has left.
const patience = 15 * time.Second

// merged returns the values of both; the values of first count.
func merged(first, second map[string]connectorauth.Secret) map[string]connectorauth.Secret {
	all := maps.Clone(second)
	if all == nil {
		all = map[string]connectorauth.Secret{}
	}
	maps.Copy(all, first)
	return all
}
