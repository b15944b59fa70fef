package accounts_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A rowyIndex hands out an account each time, and the error of a row that cannot be read.
type rowyIndex struct {
	accounts.Index
	claims atomic.Int32
}

func (i *rowyIndex) Claim(context.Context, int, time.Duration) ([]accounts.Account, error) {
	i.claims.Add(1)
	return []accounts.Account{{ID: "gone", Definition: "acme", Current: 1}}, errBroken
}

// A row that cannot be read holds up no other account: Run sweeps as often as before.
func TestRunDoesNotSlowDownForAnUnreadableRow(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		index := &rowyIndex{Index: w.index}
		w.config.Index, w.config.Logger = index, slog.New(slog.DiscardHandler)
		r := w.process()
		done := make(chan error)
		go func() { done <- r.Run(t.Context()) }()
		time.Sleep(10 * time.Minute)
		assert.Greater(t, index.claims.Load(), int32(90), "once in 6 seconds or sooner")
		require.NoError(t, r.Shutdown(t.Context()))
		require.NoError(t, <-done)
	})
}
