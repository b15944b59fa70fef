package consent

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth"
)

// storeTimeout is the longest time for the store requests of one claim.
const storeTimeout = 10 * time.Second

// marks remembers, for all processes, the consents whose callback has come. The
// store has 256 records of marks, and the ID of a consent selects the record.
// Adding a mark to a record removes the record's old marks, so the store stays
// small without listing or expiring keys.
type marks struct {
	store connectorauth.SharedTokenStore
}

// markRecord is one record of marks.
type markRecord struct {
	Version int              `json:"v"`
	Used    map[string]int64 `json:"used"` // time of the callback, in Unix seconds, by ID of the consent
}

// claim marks the consent with this ID as used. claim reports false if an earlier
// call has marked the consent.
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
			return false, fmt.Errorf("the value of %q is damaged or was not saved by this package", key)
		}
		if _, again := rec.Used[id]; again {
			return false, nil
		}
		swapped, err := m.store.CompareAndSwap(ctx, key, old, rec.with(id, time.Now()))
		if err != nil {
			return false, fmt.Errorf("compare and swap %q: %w", key, err)
		}
		if swapped { // otherwise another consent has just changed the record
			return true, nil
		}
	}
}

// with returns the record as JSON, with a mark for id and without the marks older
// than twice lifetime. Callbacks of these consents are refused as expired.
func (r markRecord) with(id string, now time.Time) []byte {
	used := map[string]int64{id: now.Unix()}
	for other, at := range r.Used {
		if now.Sub(time.Unix(at, 0)) < 2*lifetime {
			used[other] = at
		}
	}
	text, _ := json.Marshal(markRecord{Version: 1, Used: used}) // cannot fail: strings and numbers
	return text
}
