package consent

import (
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
