package guides

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sweep is the block of "A cron job".
func sweep(ctx context.Context, registry *accounts.Registry) (err error) {
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 40*time.Second)
		defer cancel()
		err = errors.Join(err, registry.Shutdown(ending))
	}()
	for {
		swept, err := registry.Sweep(ctx, 1000)
		if err != nil || swept.Claimed < 1000 {
			return err
		}
	}
}

func TestCronJob(t *testing.T) {
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		config := place(p, acme(p, `"keepAlive": "24h",`))
		imported(t, process(config), p, "idle")
		time.Sleep(48 * time.Hour)
		for range 2 {
			require.NoError(t, sweep(t.Context(), process(config)))
		}
		assert.Equal(t, 1, p.Stats().TokenRequests, "the second run finds nothing to do")
	})
}
