package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// A Machine is a JavaScript runtime of its own. A Machine is for one goroutine at a
// time.
type Machine struct {
	engine    *engine
	module    api.Module
	memory    *linear
	ctx       context.Context // tells the host functions which machine calls
	host      Host
	response  []byte
	told      [2][]byte // functions and bytecode
	functions map[string]api.Function
}

type machineKey struct{}

// running returns the machine that calls a host function.
func running(ctx context.Context) *Machine { return ctx.Value(machineKey{}).(*Machine) }

// instantiate returns a machine with an empty memory.
func (e *engine) instantiate() (*Machine, error) {
	m := &Machine{engine: e, memory: new(linear), functions: make(map[string]api.Function), host: patient{}}
	m.memory.limit = max(len(e.image), 64*pageSize)
	m.ctx = context.WithValue(context.Background(), machineKey{}, m)
	ctx := experimental.WithMemoryAllocator(m.ctx, m.memory)
	var err error
	if m.module, err = e.runtime.InstantiateModule(ctx, e.module, wazero.NewModuleConfig().WithName("")); err != nil {
		return nil, fmt.Errorf("script: the engine cannot start a machine: %w", err)
	}
	return m, nil
}

// newMachine returns a machine that is ready to run.
func (e *engine) newMachine() (*Machine, error) {
	m, err := e.instantiate()
	if err != nil {
		return nil, err
	}
	if more := len(e.image) - len(m.bytes()); more > 0 {
		m.module.Memory().Grow(uint32(more / pageSize))
	}
	copy(m.bytes(), e.image)
	return m, nil
}

func (m *Machine) close() { m.module.Close(m.ctx) }

// bytes returns the memory. The next call of the module may move the memory.
func (m *Machine) bytes() []byte {
	b, _ := m.module.Memory().Read(0, m.module.Memory().Size())
	return b
}

// global returns a global of the module.
func (m *Machine) global(name string) api.MutableGlobal {
	return m.module.ExportedGlobal(name).(api.MutableGlobal)
}

// invoke calls a function of the module.
func (m *Machine) invoke(name string, args ...uint64) (uint64, error) {
	f := m.functions[name]
	if f == nil {
		f = m.module.ExportedFunction(name)
		m.functions[name] = f
	}
	results, err := f.Call(m.ctx, args...)
	if err != nil {
		if end := (End{}); errors.As(err, &end) {
			return 0, end.Err
		}
		return 0, fmt.Errorf("%w: %v", ErrTrap, firstLine(err))
	}
	if len(results) == 0 {
		return 0, nil
	}
	return results[0], nil
}

// ErrTrap says that the engine ended by itself, for example because its stack was
// full.
var ErrTrap = errors.New("script: the engine stopped")

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// put copies a text into the memory, with a zero behind the text, and returns where the
// text begins.
func (m *Machine) put(text []byte) (uint64, error) {
	at, err := m.invoke("buffer", uint64(len(text)+1))
	if err != nil {
		return 0, err
	}
	if at == 0 {
		return 0, ErrMemory
	}
	b, ok := m.module.Memory().Read(uint32(at), uint32(len(text)+1))
	if !ok {
		return 0, ErrTrap
	}
	b[copy(b, text)] = 0
	m.mark(int(at), len(b))
	return at, nil
}

// ErrMemory says that a machine has no memory left.
var ErrMemory = errors.New("script: the machine has no memory left")

// called is Call of the host, with the length of the response as the machine wants to
// have the length: negative for errors.
func (m *Machine) called(what What, text []byte) int32 {
	if what < functions || what > Told || what == Told && len(text) > box {
		panic(End{errors.New("script: the engine told what no engine tells")})
	}
	if what < 0 {
		m.told[what-functions], m.response = bytes.Clone(text), nil
		return 0
	}
	response, err := m.host.Call(what, text)
	if end, ok := err.(End); ok {
		panic(end)
	}
	m.response = response
	if err != nil {
		m.response = []byte(err.Error())
		return -1 - int32(len(m.response))
	}
	return int32(len(m.response))
}

// A Status says how a run ended.
type Status int

const (
	Done      Status = iota // the handler returned, and the machine told Out
	Threw                   // the script threw, and the machine told Thrown
	NoHandler               // the script has no handler
	False                   // the handler returned false
	Waits                   // the handler waits for a promise that nothing settles
	Memory                  // the machine had no memory left
)

// Compile returns the code of a script, and the names of the script's global
// functions. If the script cannot be compiled, the machine tells Thrown, and code is
// nil.
func (m *Machine) Compile(host Host, source string) (code []byte, names []string, err error) {
	return m.compile(host, "\n"+source, 0) // the engine counts the columns of line 1 from 0: see Line
}

// Line returns the line of a source that the engine calls n.
func Line(n int) int { return max(n-1, 0) }

func (m *Machine) compile(host Host, source string, isPrelude uint64) (code []byte, names []string, err error) {
	m.host = host
	p, err := m.put([]byte(source))
	if err != nil {
		return nil, nil, err
	}
	status, err := m.invoke("compile", p, uint64(len(source)), isPrelude)
	if err == nil && Status(status) == Memory {
		err = ErrMemory
	}
	if err != nil || Status(status) != Done {
		return nil, nil, err
	}
	return m.told[1], strings.Fields(string(m.told[0])), nil
}

// Prepare gives a new machine the code of a script. Run of the first event runs the
// script.
func (m *Machine) Prepare(host Host, code []byte) error {
	m.host = host
	p, err := m.put(code)
	if err != nil {
		return err
	}
	status, err := m.invoke("prepare", p, uint64(len(code)))
	if err == nil && Status(status) != Done {
		err = ErrMemory
	}
	return err
}

// Run handles one event. NoHandler is the status if the script has no handler.
func (m *Machine) Run(host Host, s *State) (Status, error) {
	m.host = host
	at := m.engine.inbox
	if n := len(s.globals) + 1 + len(s.wanted) + 1; n <= box {
		b, _ := m.module.Memory().Read(uint32(at), uint32(n))
		s.write(b)
		m.mark(int(at), n)
	} else {
		text := make([]byte, n)
		s.write(text)
		var err error
		if at, err = m.put(text); err == ErrMemory {
			return Memory, nil
		} else if err != nil {
			return 0, err
		}
	}
	status, err := m.invoke("run", at)
	return Status(status), err
}

// linear is the memory of a machine.
type linear struct {
	buffer []byte
	limit  int
}

func (l *linear) Allocate(initial, _ uint64) experimental.LinearMemory {
	l.buffer = make([]byte, 0, initial)
	return l
}

func (l *linear) Free() { l.buffer = nil }

// Reallocate returns the memory with a new size, or nil if the limit is lower.
func (l *linear) Reallocate(size uint64) []byte {
	n := int(size)
	if n > l.limit {
		return nil
	}
	if n > cap(l.buffer) {
		grown := make([]byte, n, min(max(n, 2*cap(l.buffer)), l.limit))
		copy(grown, l.buffer)
		l.buffer = grown
	}
	l.buffer = l.buffer[:n]
	return l.buffer
}
