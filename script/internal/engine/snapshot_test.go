package engine

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// teller is a Host that gives a body, and notes what the machine tells.
type teller struct {
	body string
	told *string
}

func (teller) Tick() error { return nil }
func (h teller) Call(what What, text []byte) ([]byte, error) {
	switch what {
	case Read:
		return []byte(h.body), nil
	case Out, Told:
		*h.told = string(text)
	case Thrown:
		*h.told = "threw " + string(text)
	}
	return nil, nil
}

// A snapshot has what the script keeps: not what is free, not what objects in a circle
// refer to, not the body that Go has. A machine with the snapshot goes on as the machine
// itself would.
func TestASnapshotHasWhatTheScriptKeeps(t *testing.T) {
	body := `j{"items":[` + strings.Repeat(`{"id":1,"name":"photo","tags":["a","b"]},`, 16_000) + `0]}`
	for _, c := range []struct {
		name, first string
		most        int
	}{
		{"little", "action_data.n = 1", 8 << 10},
		{"garbage", "var a = []; for (var i = 0; i < 100000; i++) a.push('x' + i); action_data.n = a.length", 16 << 10},
		{"a circle", "var a = []; for (var i = 0; i < 10000; i++) a.push({a: a, i: i}); a = 0; action_data.n = 1", 16 << 10},
		{"a long text", "'x'.repeat(1e7).toUpperCase(); action_data.n = 1", 16 << 10},
		{"a deep call", "(function f(n) { return n ? f(n - 1) + n : 0 })(100); action_data.n = 1", 16 << 10},
		{"some kept", "var a = []; for (var i = 0; i < 100000; i++) { var o = {i: i}; if (i % 100 == 0) a.push(o) } action_data.kept = a; action_data.n = a.length", 256 << 10},
		{"a body", "action_data.n = method_request.items.length", 16 << 10},
		{"a text that is kept", "action_data.kept = 'x'.repeat(1e6); action_data.n = 1", 1e6 + 16<<10},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Get(32 << 20)
			require.NoError(t, err)
			code, _, err := m.Compile(nothing{}, "action_data = {}; function first() { "+c.first+" } function second() { var b = []; for (var i = 0; i < 5000; i++) { b[i % 1000] = {k: 'y'.repeat(i % 50) + i}; if (i % 7 == 0) method_endpoint = 'z'.repeat(i) } method_endpoint = action_data.n + JSON.stringify(b) + JSON.stringify(action_data).length }")
			require.NoError(t, err)
			Put(m)

			var told [2]string
			for i := range told {
				m, err = Get(32 << 20)
				require.NoError(t, err)
				host := teller{body, &told[i]}
				require.NoError(t, m.Prepare(host, code))
				state := NewState("first")
				state.Begin([]byte(`{"wait":true}`))
				state.Want("method_request")
				status, err := m.Run(host, state)
				require.NoError(t, err)
				require.Equal(t, Done, status, told[i])
				if i == 1 {
					s, err := m.Save()
					require.NoError(t, err)
					assert.LessOrEqual(t, s.Size(), c.most)
					t.Log(s.Size())
					Put(m)
					m, err = Get(32 << 20)
					require.NoError(t, err)
					require.True(t, m.Load(&s))
				}
				state = NewState("second")
				state.Begin([]byte(`{"response":true}`))
				state.WantText("method_endpoint")
				status, err = m.Run(host, state)
				require.NoError(t, err)
				require.Equal(t, Done, status, told[i])
				Put(m)
			}
			assert.Equal(t, told[0], told[1])
			assert.Contains(t, told[0], `{"k":`)
		})
	}
}

// A machine has free memory when it is new: the memory of a machine that grows is not
// used again.
func TestANewMachineHasFreeMemory(t *testing.T) {
	e, err := load()
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(e.image)-int(e.high), spare/2)
}

// A machine may have a snapshot after each of its events. What a snapshot brought is in the
// next snapshot, wherever in the memory.
func TestASnapshotOfASnapshotKeepsEverything(t *testing.T) {
	m, err := Get(32 << 20)
	require.NoError(t, err)
	code, _, err := m.Compile(nothing{}, "action_data = {}; function first() { action_data.kept = []; for (var i = 0; i < 100; i++) action_data.kept[i] = String(i).repeat(50000) } function second() { method_endpoint = ''; for (var i = 0; i < 100; i++) if (action_data.kept[i] !== String(i).repeat(50000)) method_endpoint += i + ' is lost, '; method_endpoint += action_data.kept.length }")
	require.NoError(t, err)
	Put(m)
	m, err = Get(32 << 20)
	require.NoError(t, err)
	var told string
	host := teller{told: &told}
	require.NoError(t, m.Prepare(host, code))
	state := NewState("first")
	state.Begin([]byte(`{"wait":true}`))
	status, err := m.Run(host, state)
	require.NoError(t, err)
	require.Equal(t, Done, status, told)
	for range 3 {
		s, err := m.Save()
		require.NoError(t, err)
		Put(m)
		m, err = Get(32 << 20)
		require.NoError(t, err)
		require.True(t, m.Load(&s))
		require.Greater(t, len(m.bytes()), 2*cards*card, "more memory than there are cards")
	}
	state = NewState("second")
	state.Begin([]byte(`{"response":true}`))
	state.WantText("method_endpoint")
	status, err = m.Run(host, state)
	require.NoError(t, err)
	require.Equal(t, Done, status, told)
	fields := Fields(told)
	assert.Equal(t, []string{"method_endpoint", "100"}, []string{fields.Next(), fields.Next()})
	Put(m)
}
