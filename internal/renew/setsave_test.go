package renew_test

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// note changes one member of the stored record, as another process does. The value
// stays the same to the byte.
func (s *sharedStore) note(t *testing.T, member, content string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	record := map[string]json.RawMessage{}
	require.NoError(t, json.Unmarshal(s.value, &record))
	record[member] = json.RawMessage(content)
	raw, err := json.Marshal(record)
	require.NoError(t, err)
	s.value = raw
}

const deadNote = `{"code":"invalid_grant","since":"2000-01-01T00:00:00Z"}`

// The store is down for a moment when the account owner has consented. Meanwhile
// another process notes that the grant before is dead.
func TestUnsavedSetWinsOverANoteAboutThePredecessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		down := new(atomicBool)
		down.set(true)
		store.before = failing(down, "save", "swap")
		require.Error(t, e.Set(t.Context(), p.grant()))
		time.Sleep(time.Second) // the saver has tried
		store.note(t, "dead", deadNote)
		down.set(false)
		time.Sleep(time.Minute)
		assert.Equal(t, 2, store.n(t))
		assert.Equal(t, 2, got(t, newEngine(p, store)))
	})
}

// The store has the value of Set, and its answer was lost. Another process renews
// the value before Set's saver looks.
func TestSaverOfSetSparesTheSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		lost := false
		store.after = func(op string) error {
			if op == "swap" && !lost {
				lost = true
				return errors.New("answer lost")
			}
			return nil
		}
		v := p.grant()
		v.Expiry = v.Issued // such as a refresh token from elsewhere
		require.Error(t, e.Set(t.Context(), v))
		assert.Equal(t, 3, got(t, newEngine(p, store)))
		time.Sleep(time.Minute)
		assert.Equal(t, 3, store.n(t))
		assert.Equal(t, 3, got(t, e))
		assert.Zero(t, p.reused)
	})
}

// unreadable is the error of a value that can never be read.
type unreadable struct{}

func (unreadable) Error() string { return "sealed with another key" }
func (unreadable) Damaged() bool { return true }

func TestUnsavedSetReplacesAValueThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		down, damaged := new(atomicBool), new(atomicBool)
		down.set(true)
		damaged.set(true)
		store.before = func(op string) error {
			switch {
			case op == "load" && damaged.get():
				return unreadable{}
			case op == "save" && down.get():
				return errors.New("store down")
			case op == "save":
				damaged.set(false)
			}
			return nil
		}
		e := newEngine(p, store)
		require.Error(t, e.Set(t.Context(), p.grant()))
		time.Sleep(time.Second)
		down.set(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, 1, store.n(t))
	})
}

// A saver has stored the first value. Later another process removes the account.
func TestKeyDeletedAfterALateSaveIsNotResurrected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		down := new(atomicBool)
		down.set(true)
		store.before = failing(down, "save", "swap")
		e := newEngine(p, store)
		require.Error(t, e.Set(t.Context(), p.grant()))
		down.set(false)
		time.Sleep(time.Minute)
		require.Equal(t, 1, store.n(t))
		require.NoError(t, store.Delete(t.Context(), key))
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		assert.Zero(t, store.n(t))
		assert.Equal(t, []int{0}, p.tried, "the removed value is not sent")
	})
}

// What is known of the provider and of the password is worth more than one token.
func TestSetKeepsWhatIsKnownOfTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, login: "hash"}
		store := newStore(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		require.Equal(t, 2, got(t, e)) // so it rotates
		require.NoError(t, e.Set(t.Context(), p.grant()))
		var record struct {
			Rotates bool
			Login   string
		}
		require.NoError(t, json.Unmarshal(store.value, &record))
		assert.True(t, record.Rotates)
		assert.Equal(t, "hash", record.Login)
	})
}

// The store was down, and another process has connected the account again. Its value
// has expired by now: the next renewal follows on from it.
func TestUnsavedValueGivesWayToAnExpiredSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		var down atomicBool
		store.before = failing(&down, "save", "swap")
		down.set(true)
		time.Sleep(time.Hour)
		require.Equal(t, 2, got(t, e))
		store.put(p.grant())
		down.set(false)
		time.Sleep(2 * time.Hour) // the saver has given way
		assert.Equal(t, 4, got(t, e))
		assert.Equal(t, []int{1, 3}, p.tried)
		assert.Zero(t, p.reused)
	})
}
