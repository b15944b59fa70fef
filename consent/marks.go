package consent

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth"
)

// storeTimeout bounds the work of one mark.
const storeTimeout = 10 * time.Second

// marks remembers, for all replicas, which consents were answered. A consent's
// mark lies in one of 256 records, and whoever adds one there removes those that
// are more than twenty minutes old: the store stays small without having to list
// or expire anything.
type marks struct {
	store connectorauth.SharedTokenStore
}

// markRecord is the value of one of the records.
type markRecord struct {
	Version int              `json:"v"`
	Used    map[string]int64 `json:"used"` // Unix seconds by ID
}

// claim reports whether the consent is answered for the first time.
func (m marks) claim(ctx context.Context, id string) (first bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	sum := sha256.Sum256([]byte(id))
	key := fmt.Sprintf("connectorauth-consent-%02x", sum[0])
	for {
		old, ok, err := m.store.Load(ctx, key)
		if err != nil {
			return false, fmt.Errorf("load %q: %w", key, err)
		}
		var rec markRecord
		if !ok {
			old = nil
		} else if json.Unmarshal(old, &rec) != nil || rec.Version != 1 {
			return false, fmt.Errorf("the value of %q is not one that this package saved", key)
		}
		if _, again := rec.Used[id]; again {
			return false, nil
		}
		swapped, err := m.store.CompareAndSwap(ctx, key, old, rec.with(id, time.Now()))
		if err != nil {
			return false, fmt.Errorf("compare and swap %q: %w", key, err)
		}
		if swapped { // else another consent was faster
			return true, nil
		}
	}
}

// with returns the encoded record with id marked, and without the marks of
// consents whose cookies no longer open.
func (r markRecord) with(id string, now time.Time) []byte {
	used := map[string]int64{id: now.Unix()}
	for other, at := range r.Used {
		if now.Sub(time.Unix(at, 0)) < 2*lifetime {
			used[other] = at
		}
	}
	text, _ := json.Marshal(markRecord{Version: 1, Used: used}) // strings and numbers: cannot fail
	return text
}
