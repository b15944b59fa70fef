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
	empty, _, _ := m.Compile(nothing{}, "")
	handler, _, _ := m.Compile(nothing{}, "typeof before_action === 'function' ? before_action : undefined")
	Put(m)
	for _, c := range []struct {
		name, state string
		code        []byte
	}{
		{"empty", `{"values":{},"wanted":[]}`, empty},
		{"headers in", `{"values":{"method_auth_value":"k","method_request_headers":{"Accept":"application/json","User-Agent":"benchmark"}},"wanted":[]}`, code},
		{"headers in and out", `{"values":{"method_auth_value":"k","method_request_headers":{"Accept":"application/json","User-Agent":"benchmark"}},"wanted":["method_request_headers"]}`, code},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				m, _ := Get(32 << 20)
				if _, err := m.Run(nothing{}, []byte(c.state), c.code, handler); err != nil {
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
