package guides

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// Whereabouts are where an instance of the release that knows both ways finds the table and the Store.
type whereabouts struct {
	Folder string
	Config *oauth2.Config
}

// instance returns an instance, and the table of the old code.
func (p whereabouts) instance() (*program, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(p.Folder, "old.db"))+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	store, err := tokenstore.NewFile(filepath.Join(p.Folder, "store"))
	return &program{db, p.Config, store, new(connectorauth.Shared)}, err
}

// backUntilDelete calls back in a process that waits for its end before the Store forgets.
func backUntilDelete(argument string) error {
	var at whereabouts
	if err := json.Unmarshal([]byte(argument), &at); err != nil {
		return err
	}
	p, err := at.instance()
	if err != nil {
		return err
	}
	p.store = pausing{p.store.(*tokenstore.File)}
	return p.back(context.Background(), "ada")
}

// pausing is a store whose Delete waits.
type pausing struct{ *tokenstore.File }

func (pausing) Delete(context.Context, string) error {
	fmt.Println("saved")
	child.Pause()
	return nil
}

// The row says already that the old code renews, and the Store has a copy of the token. A second
// call must not put the copy, which is used up, over what the old code has by now.
func TestKilledOnTheWayBack(t *testing.T) {
	provider := authtest.NewProvider(t)
	at := whereabouts{t.TempDir(), oldConfig(provider)}
	p, err := at.instance()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.db.Close()) })
	_, err = p.db.Exec("CREATE TABLE tokens (id TEXT PRIMARY KEY, access TEXT, refresh TEXT, expiry TIMESTAMP, moved BOOLEAN DEFAULT FALSE)")
	require.NoError(t, err)
	access, refresh := provider.IssueTokens("read")
	_, err = p.db.Exec("INSERT INTO tokens VALUES ('ada', $1, $2, $3, TRUE)", access, refresh, time.Now().Add(-time.Hour))
	require.NoError(t, err)
	use := func() {
		p.shared = new(connectorauth.Shared) // of another instance
		client, err := p.client(t.Context(), "ada")
		require.NoError(t, err)
		status, err := fetch(client, provider.BearerURL)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
	}
	use()
	killed := child.Start(t, "back", string(must(json.Marshal(at))))
	require.Equal(t, "saved", killed.Line(t))
	require.NoError(t, killed.Kill())
	_ = killed.Wait()

	_, err = p.db.Exec("UPDATE tokens SET expiry = $1", time.Now().Add(-time.Minute))
	require.NoError(t, err)
	use() // the old code renews
	for range 2 {
		p.shared = new(connectorauth.Shared)
		require.NoError(t, p.back(t.Context(), "ada"))
		_, err = p.db.Exec("UPDATE tokens SET expiry = $1", time.Now().Add(-time.Minute))
		require.NoError(t, err)
		use()
	}
	require.NoError(t, p.move(t.Context(), "ada"))
	provider.ExpireAccessTokens()
	use() // the new code has the token of the row
	assert.Equal(t, 5, provider.Stats().TokenRequests)
}
