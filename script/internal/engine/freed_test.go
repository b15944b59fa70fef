package engine

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A snapshot may wait for hours. Nothing is left in the snapshot of what the script has let go:
// neither in free memory of any size, nor where Go wrote the state of the event.
func TestASnapshotHasNothingThatIsFree(t *testing.T) {
	const churn = `function first() {
	var all = [], kept = action_data.kept = new Array(200).fill(0); // a list that grows has room, which is not free
	for (var i = 0; i < 400; i++) all.push(new Uint8Array(700 + i % 8 * 40).fill(0xc5));
	for (var i = 0; i < 400; i += 2) all[i] = null;
	for (var i = 0; i < 200; i++) kept[i] = new Uint8Array(440 + i % 23 * 24).fill(1);
	all = null; method_body = ''; method_endpoint = 'told';
}`
	secret := strings.Repeat("CANARY", box/12)
	m, err := Get(32 << 20)
	require.NoError(t, err)
	code, _, err := m.Compile(nothing{}, "action_data = {}; "+churn)
	require.NoError(t, err)
	Put(m)
	m, err = Get(32 << 20)
	require.NoError(t, err)
	defer func() { Put(m) }()
	var told string
	host := teller{told: &told}
	require.NoError(t, m.Prepare(host, code))
	state := NewState("first")
	state.Text("method_body", secret)
	state.Begin([]byte(`{"wait":true}`))
	state.WantText("method_endpoint")
	status, err := m.Run(host, state)
	require.NoError(t, err)
	require.Equal(t, Done, status, told)
	boxes := func() []byte { return m.bytes()[m.engine.inbox:][:2*box] }
	require.True(t, bytes.Contains(boxes()[:box], []byte(secret)))
	require.True(t, bytes.Contains(boxes()[box:], []byte("told")))
	s, err := m.Save()
	require.NoError(t, err)
	assert.True(t, bytes.Equal(make([]byte, 2*box), boxes()), "both boxes are cleared")
	for _, text := range [][]byte{[]byte(secret[:12]), bytes.Repeat([]byte{0xc5}, 13)} { // the links of a free block may leave 12 bytes
		assert.Equal(t, -1, bytes.Index(s.data, text), "%q", text)
		assert.Equal(t, -1, bytes.Index(m.bytes(), text), "%q", text)
	}
}

// Save clears what the script has let go of the language itself. A machine gets that back too.
func TestAMachineComesBackAsNewAfterASnapshot(t *testing.T) {
	m, err := Get(32 << 20)
	require.NoError(t, err)
	code, _, err := m.Compile(nothing{}, `for (var o of [globalThis, Math, Array.prototype, String.prototype, Date.prototype]) for (var i = 0; i < 500; i++) o['more' + i] = i;
function first() {}`)
	require.NoError(t, err)
	Put(m)
	m, err = Get(32 << 20)
	require.NoError(t, err)
	require.NoError(t, m.Prepare(nothing{}, code))
	status, err := m.Run(nothing{}, NewState("first"))
	require.NoError(t, err)
	require.Equal(t, Done, status)
	_, err = m.Save()
	require.NoError(t, err)
	require.Len(t, m.bytes(), len(m.engine.image), "a machine that has grown is not used again")
	Put(m)
	again, err := Get(32 << 20)
	require.NoError(t, err)
	defer Put(again)
	require.Same(t, m, again)
	assert.True(t, bytes.Equal(m.engine.image, m.bytes()))
}

// Go writes texts into a machine too, over many cards: sources, states and bodies.
func TestWhatGoHasWrittenIsTakenBack(t *testing.T) {
	long := strings.Repeat("canary", 4000)
	for name, use := range map[string]func(t *testing.T, m *Machine){
		"source": func(t *testing.T, m *Machine) {
			_, _, err := m.Compile(nothing{}, "function first() {} // "+long)
			require.NoError(t, err)
		},
		"code": func(t *testing.T, m *Machine) {
			code, _, err := m.Compile(nothing{}, "var text = '"+long+"'; function first() {}")
			require.NoError(t, err)
			Put(m)
			again, err := Get(32 << 20)
			require.NoError(t, err)
			require.Same(t, m, again)
			require.NoError(t, m.Prepare(nothing{}, code))
		},
		"state": func(t *testing.T, m *Machine) {
			state := NewState("first")
			state.Text("method_url", long)
			_, err := m.Run(nothing{}, state)
			require.NoError(t, err)
		},
		"body": func(t *testing.T, m *Machine) {
			code, _, err := m.Compile(nothing{}, "function first() { method_request.length }")
			require.NoError(t, err)
			var told string
			host := teller{`j"` + long + `"`, &told}
			require.NoError(t, m.Prepare(host, code))
			state := NewState("first")
			state.Begin([]byte(`{"wait":true}`))
			status, err := m.Run(host, state)
			require.NoError(t, err)
			require.Equal(t, Done, status, told)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Get(32 << 20)
			require.NoError(t, err)
			use(t, m)
			require.True(t, bytes.Contains(m.bytes(), []byte("canarycanary")))
			Put(m)
			again, err := Get(32 << 20)
			require.NoError(t, err)
			defer Put(again)
			require.Same(t, m, again)
			assert.True(t, bytes.Equal(m.engine.image, m.bytes()))
		})
	}
}
