package pending

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth/internal/records"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// storeTimeout is the longest time for the store requests of one claim.
const storeTimeout = 10 * time.Second

// A claim is the right to finish a consent. A Keeper claims a consent in memory
// first, and then in the store. So the Keeper that has the claim in memory may
// finish a consent that the store says is claimed by the same Keeper: an earlier
// attempt of that Keeper failed before anything was sent.
type claim struct {
	id  string    // stands for the connector and the state
	key string    // of the store's record
	end time.Time // nobody accepts the consent any more, even by a clock that is late
}

// claim returns the claim to the consent of v.
func (v Value) claim() claim {
	sum := sha256.Sum256([]byte(v.For + " " + v.State))
	return claim{
		id:  base64.RawURLEncoding.EncodeToString(sum[:15]),
		key: records.Consent(sum[31]),
		end: time.Unix(v.Began, 0).Add(v.lifetime() + ClockError),
	}
}

// take takes c, or returns why the consent must not be finished. An error of the
// store leaves the consent open.
func (k *Keeper) take(ctx context.Context, store renew.SharedStore, c claim) error {
	used := &BadCallback{Used, "this consent has been finished already"}
	if !k.remember(c) {
		return used
	}
	if store == nil {
		return nil
	}
	taken := true
	err := edit(ctx, store, c.key, func(all map[string]entry) bool {
		if e, claimed := all[c.id]; claimed {
			taken = e.By == k.name
			return false
		}
		all[c.id] = entry{k.name, c.end.Unix()}
		return true
	})
	switch {
	case err != nil:
		k.forget(c)
		return Open(fmt.Errorf("connectorauth: the consent cannot be claimed in the token store, so nothing was sent: %w", err))
	case !taken:
		return used
	}
	return nil
}

// giveBack opens a consent again. If the store fails, the consent is open for k
// alone.
func (k *Keeper) giveBack(ctx context.Context, store renew.SharedStore, c claim) {
	if store != nil {
		edit(ctx, store, c.key, func(all map[string]entry) bool { delete(all, c.id); return true })
	}
	k.forget(c)
}

// remember notes in memory that the consent of c is over, and reports whether the
// consent was open.
func (k *Keeper) remember(c claim) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, end := range k.over {
		if time.Now().After(end) {
			delete(k.over, id)
		}
	}
	if _, again := k.over[c.id]; again {
		return false
	}
	if k.over == nil {
		k.over, k.name = make(map[string]time.Time), rand.Text()
	}
	k.over[c.id] = c.end
	return true
}

func (k *Keeper) forget(c claim) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.over, c.id)
}

// claims is one of the store's 256 records. The claim selects the record. Every
// change removes the old claims from a record, so the store stays small although
// nobody can list its keys.
type claims struct {
	Version int              `json:"v"`
	Claims  map[string]entry `json:"claims"` // by claim.id
}

// entry is a claim in the store.
type entry struct {
	By  string `json:"by"`  // Keeper.name
	End int64  `json:"end"` // claim.end, in Unix seconds
}

// edit changes the store's record under key. change returns false if there is
// nothing to save. edit calls change again if another process has changed the
// record.
func edit(ctx context.Context, store renew.SharedStore, key string, change func(map[string]entry) bool) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	for {
		old, ok, err := store.Load(ctx, key)
		if renew.IsDamaged(err) {
			if err = remove(ctx, store, key); err == nil {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("load %q: %w", key, err)
		}
		var rec claims
		if !ok {
			old, rec.Version = nil, 1
		} else if json.Unmarshal(old, &rec) != nil || rec.Version < 1 {
			return &storeerror.Damaged{Err: fmt.Errorf("the value of %q is damaged", key)}
		} else if rec.Version > 1 {
			return fmt.Errorf("load %q: %w", key, &storeerror.Newer{Version: rec.Version, Known: 1})
		}
		for id, e := range rec.Claims {
			if time.Now().Unix() > e.End {
				delete(rec.Claims, id)
			}
		}
		if rec.Claims == nil {
			rec.Claims = make(map[string]entry)
		}
		if !change(rec.Claims) {
			return nil
		}
		next, _ := json.Marshal(rec) // strings and numbers: cannot fail
		switch swapped, err := store.CompareAndSwap(ctx, key, old, next); {
		case err != nil:
			return fmt.Errorf("compare and swap %q: %w", key, err)
		case swapped: // otherwise another consent has just changed the record
			return nil
		}
	}
}

// remove removes a damaged record, whose claims are older than the removal of the
// key. The lock keeps remove from removing what another process has put there since.
func remove(ctx context.Context, store renew.SharedStore, key string) error {
	lease, err := store.Lock(ctx, key)
	if err != nil {
		return err
	}
	defer lease.Unlock()
	if _, _, err := store.Load(ctx, key); !renew.IsDamaged(err) {
		return err
	}
	return store.Delete(ctx, key)
}
