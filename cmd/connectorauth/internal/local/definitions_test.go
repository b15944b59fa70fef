package local

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/definition"
)

// A person may remove a definition while a command reads the folder. The service is then unknown,
// and no matter of other services.
func TestADefinitionThatIsRemovedMeanwhileIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	document := func(name string) []byte {
		return fmt.Appendf(nil, `{"connectorauth": 1, "name": %q, "baseUrl": "https://%[1]s.example", "methods": [{"name": "none", "type": "None"}]}`, name)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "stays.json"), document("stays"), 0o600))
	goes, other := filepath.Join(dir, "goes.json"), filepath.Join(t.TempDir(), "goes.json")
	require.NoError(t, os.WriteFile(other, document("goes"), 0o600))
	stop := make(chan struct{})
	var person sync.WaitGroup
	person.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, err := range []error{os.Rename(other, goes), os.Rename(goes, other)} {
				assert.True(t, err == nil || runtime.GOOS == "windows", "%v", err) // Windows renames no file that is open
			}
		}
	})
	defer person.Wait()
	defer close(stop)
	for range 2000 {
		all, err := Imported(dir, "goes", definition.Options{})
		require.NoError(t, err)
		require.NotEmpty(t, all)
		assert.Equal(t, "stays", all[len(all)-1].Name)
	}
}

// A link to a file that is missing is still a file of the folder: the catalogue must not take the
// place of a definition that is out of reach.
func TestALinkToAMissingDefinitionIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "stripe.json")); err != nil {
		t.Skip("no links:", err)
	}
	_, err := Imported(dir, "stripe", definition.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, filepath.Join(dir, "stripe.json"))
}
