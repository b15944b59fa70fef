package consent

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
)

func TestOldMarksAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(tokenstore.Memory)
		h := newFakeHandler(t, new(fakeFlow))
		h.marks.store = store
		const pause = 10 * time.Second
		for range 2000 {
			require.Equal(t, http.StatusOK, roundTrip(h, pause).Code)
		}
		kept := 0
		for i := range 256 {
			value, ok, err := store.Load(t.Context(), fmt.Sprintf("connectorauth-consent-%02x", i))
			require.NoError(t, err)
			if ok {
				var rec markRecord
				require.NoError(t, json.Unmarshal(value, &rec))
				kept += len(rec.Used)
			}
		}
		require.Less(t, kept, 256+2*int(2*lifetime/pause)) // a record loses its old marks only with the next mark
	})
}

func TestDamagedMarksFailClosed(t *testing.T) {
	h := newFakeHandler(t, new(fakeFlow))
	for i := range 256 {
		key := fmt.Sprintf("connectorauth-consent-%02x", i)
		require.NoError(t, h.marks.store.Save(t.Context(), key, []byte("not ours")))
	}
	require.Equal(t, http.StatusServiceUnavailable, roundTrip(h, 0).Code)
}

func TestMarkStaysForTwiceTheLifetimeBesideOtherMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := map[byte]string{} // by record of marks
		var mine, other string
		for i := 0; mine == ""; i++ {
			id := fmt.Sprint("consent ", i)
			record := sha256.Sum256([]byte(id))[0]
			if ids[record] != "" {
				mine, other = ids[record], id
			}
			ids[record] = id
		}
		m := marks{new(tokenstore.Memory)}
		claim := func(id string) bool {
			first, err := m.claim(t.Context(), id)
			require.NoError(t, err)
			return first
		}
		require.True(t, claim(mine))
		time.Sleep(2*lifetime - time.Second)
		require.True(t, claim(other), "another consent in the same record")
		require.False(t, claim(mine), "the mark is still there")
		require.False(t, claim(other))
	})
}
