package renew_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The store has taken the value, and has not answered yet. A request finds the value there, and
// renews it.
func TestAddDropsNoRenewalOfItsValue(t *testing.T) {
	for name, former := range map[string]bool{"no value in memory": false, "a former value in memory": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &provider{life: time.Hour}
				store := newStore(nil)
				e := newEngine(p, store)
				if former {
					require.NoError(t, e.Set(t.Context(), p.grant()))
					time.Sleep(2 * time.Hour)
					require.NoError(t, store.Delete(t.Context(), key))
				}
				moved := p.grant()
				moved.Expiry = time.Now()
				time.Sleep(time.Second)
				renewed := make(chan int, 1)
				store.after = func(op string) error {
					if op == "swap" {
						store.after = nil
						go func() { renewed <- got(t, e) }()
						synctest.Wait()
					}
					return nil
				}
				added, err := e.Add(t.Context(), moved)
				require.NoError(t, err)
				assert.True(t, added)
				assert.Equal(t, moved.N+1, got(t, e))
				assert.Equal(t, moved.N+1, <-renewed)
				synctest.Wait()
				assert.Equal(t, moved.N+1, store.n(t), "the store has what the provider takes next")
				assert.Equal(t, moved.N+1, got(t, newEngine(p, store)))
				assert.Equal(t, 1, p.count())
				assert.Zero(t, p.reused)
			})
		})
	}
}

// The account owner consents while a program adds the value of before, in memory.
func TestAddInMemorySparesAValueThatIsSetMeanwhile(t *testing.T) {
	p := &settingProvider{provider: &provider{life: time.Hour}}
	e := newEngine(p, nil)
	p.meanwhile = func() { require.NoError(t, e.Set(t.Context(), p.grant())) }
	added, err := e.Add(t.Context(), p.grant())
	require.NoError(t, err)
	assert.False(t, added)
	assert.Equal(t, 2, got(t, e))
}

// A function that is told of the value may set another one.
func TestObserverOfAddMaySet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := newEngine(p, newStore(nil))
		p.observe = func(event) {
			p.observe = nil
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			assert.NoError(t, e.Set(ctx, p.grant()))
		}
		_, err := e.Add(t.Context(), p.grant())
		require.NoError(t, err)
		assert.Equal(t, 2, got(t, e))
	})
}

// settingProvider calls meanwhile once, while an engine makes a generation.
type settingProvider struct {
	*provider
	meanwhile func()
}

func (p *settingProvider) Expiry(v *value) (issued, expiry time.Time) {
	if f := p.meanwhile; f != nil {
		p.meanwhile = nil
		f()
	}
	return p.provider.Expiry(v)
}
