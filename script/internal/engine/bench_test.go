package engine

import "testing"

// nothing is a Host that does nothing.
type nothing struct{}

func (nothing) Tick() error                       { return nil }
func (nothing) Call(What, []byte) ([]byte, error) { return nil, nil }

// BenchmarkMachine measures the parts of one event.
func BenchmarkMachine(b *testing.B) {
	m, err := Get(32 << 20)
	if err != nil {
		b.Fatal(err)
	}
	code, _, _ := m.Compile(nothing{}, "function before_action() { method_request_headers.Authorization = 'Bearer ' + method_auth_value; return true }")
	Put(m)
	m, _ = Get(32 << 20)
	if err := m.Prepare(nothing{}, code); err != nil {
		b.Fatal(err)
	}
	ready, err := m.Save()
	if err != nil {
		b.Fatal(err)
	}
	Put(m)
	empty, in := NewState("no handler"), NewState("before_action")
	in.Text("method_auth_value", "k")
	in.Texts("method_request_headers", 2)
	in.Member("Accept", "application/json")
	in.Member("User-Agent", "benchmark")
	out := *in
	out.WantTexts("method_request_headers")
	for _, c := range []struct {
		name  string
		state *State
	}{{"empty", empty}, {"headers in", in}, {"headers in and out", &out}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				m, _ := Get(32 << 20)
				m.Load(&ready)
				if _, err := m.Run(nothing{}, c.state); err != nil {
					b.Fatal(err)
				}
				Put(m)
			}
		})
	}
	b.Run("get and put", func(b *testing.B) {
		for b.Loop() {
			m, _ := Get(32 << 20)
			Put(m)
		}
	})
	b.Run("new", func(b *testing.B) {
		e, _ := load()
		for b.Loop() {
			m, err := e.newMachine()
			if err != nil {
				b.Fatal(err)
			}
			m.close()
		}
	})
}
