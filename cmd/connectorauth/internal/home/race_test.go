package home_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
)

// A person may remove the folder while a command begins, as the error of a lost key advises for
// its parts. The folder is no link then.
func TestAFolderThatIsRemovedMeanwhileIsMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	stop := make(chan struct{})
	var person sync.WaitGroup
	person.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			assert.NoError(t, os.Mkdir(dir, 0o700))
			assert.NoError(t, os.Remove(dir))
		}
	})
	defer person.Wait()
	defer close(stop)
	for range 10_000 {
		_, err := home.Find(dir, "")
		require.NoError(t, err)
	}
}
