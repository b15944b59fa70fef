package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// A definition takes the place of another with --force alone, also of one that another process
// imports at the same time: the accounts of the first would send their credentials to the hosts
// of the second. A former name is a name, too.
func TestOneOfManyImportsGetsAName(t *testing.T) {
	w := newWorld(t)
	for round := range 25 {
		name := fmt.Sprintf("hooli%d", round)
		definition := func(i int) string {
			own, was := name, ""
			if i%2 == 1 {
				own, was = fmt.Sprintf("%s-%d", name, i), fmt.Sprintf(`"was": [%q], `, name)
			}
			return fmt.Sprintf(`{"connectorauth": 1, "name": %q, %s"baseUrl": "https://api%d.hooli.example", "methods": [{"name": "none", "type": "None"}]}`, own, was, i)
		}
		codes, texts := make([]exit.Code, 4), make([]string, 4)
		var all sync.WaitGroup
		for i := range codes {
			all.Go(func() { codes[i], _, texts[i] = w.run(definition(i), "import", "-") })
		}
		all.Wait()
		winner := -1
		for i, code := range codes {
			if code == exit.OK {
				require.Equal(t, -1, winner, "two were imported under one name")
				winner = i
			} else {
				require.Equal(t, exit.Usage, code)
				assert.Contains(t, texts[i], fmt.Sprintf("there is a service %q already", name))
			}
		}
		require.NotEqual(t, -1, winner, "none was imported: %v", texts)
		assert.Contains(t, w.ok("", "catalog", "show", name), fmt.Sprintf("https://api%d.hooli.example", winner))
	}
	left, err := filepath.Glob(filepath.Join(w.home, "*"))
	require.NoError(t, err)
	for _, path := range left {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.True(t, info.IsDir(), "%s is left", path)
	}
}
