package check

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/catalog/internal/replay"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTokensExpireInTime lets each token that can be renewed expire by the clock: File ends
// tokens by a refusal of the API.
func TestTokensExpireInTime(t *testing.T) {
	t.Parallel()
	renewed := 0
	for _, shelf := range []Shelf{Service, Draft} {
		files, err := filepath.Glob(filepath.Join("..", string(shelf), "*.json"))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			d, err := definition.Parse(file, text, definition.Options{AnyHost: true})
			require.NoError(t, err)
			f, err := facts.Read(text)
			require.NoError(t, err)
			for i := range d.Methods {
				m := &d.Methods[i]
				if known := f.Source.Methods[m.Name]; known.Refresh == nil && known.Grant != "client_credentials" {
					continue
				}
				renewed++
				synctest.Test(t, func(t *testing.T) {
					a, values := newLife(d, m, f.Source)
					a.elapse = func() { time.Sleep(2 * replay.Lifetime) }
					assert.NoError(t, a.run(d, values), file)
					assert.Empty(t, a.server.Complaints(), file)
				})
			}
		}
	}
	assert.Greater(t, renewed, 50)
}
