// Package engine runs JavaScript in a box: a QuickJS-ng compiled to WebAssembly, with
// a meter in each of its loops. A machine has a hard limit of memory, and whatever a
// machine does can be ended, also inside built-in functions.
package engine

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

var (
	//go:embed engine.wasm
	module []byte
	//go:embed prelude.js
	prelude string
)

const (
	pageSize   = 64 << 10
	stackSize  = 384 << 10 // at the beginning of the memory, growing down
	stackLimit = 64 << 10  // the engine throws before its stack is deeper
	spare      = 1 << 20   // free memory of a new machine
	box        = 4 << 10   // length of the longest state that needs no allocation
)

// A Host is what a machine calls while the machine runs, always in the same
// goroutine. An error of Tick ends the run, and Run returns the error.
type Host interface {
	// Tick is called at least every few milliseconds, mostly more often.
	Tick() error
	// Call does something for the machine. text is valid until Call returns. In the
	// machine, an error of Call is an exception, or the end of the run if the error
	// is an End.
	Call(what What, text []byte) ([]byte, error)
}

// What says what a machine wants from Call.
type What int32

const (
	functions What = iota - 2 // the machine tells the names of global functions
	bytecode                  // the machine tells compiled code
	Read                      // read a body
	Help                      // call a function of Go: a JSON array of the name and the arguments
	Thrown                    // a script has thrown
	Out                       // a script is done: a global that is no text, as name:value
	Told                      // a script is done: globals, for Fields
)

// An End is an error that ends a run.
type End struct{ Err error }

func (e End) Error() string { return e.Err.Error() }
func (e End) Unwrap() error { return e.Err }

// engine is the compiled module, and the memory of a machine that is ready to run.
type engine struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
	image   []byte
	high    uint32 // where the used part of image ends
	sp      uint64 // the stack pointer of a machine at rest
	heap    int    // where the first block of the allocator begins
	inbox   uint64 // where a state may be written
	cards   int    // where the cards are
}

// load compiles the module, once in a program: that takes about a second.
var load = sync.OnceValues(func() (*engine, error) {
	ctx := context.Background()
	e := &engine{runtime: wazero.NewRuntime(ctx)}
	host := e.runtime.NewHostModuleBuilder("host")
	for name, f := range hostFunctions {
		host.NewFunctionBuilder().WithGoModuleFunction(f.call, f.parameters, f.results).Export(name)
	}
	if _, err := host.Instantiate(ctx); err != nil {
		return nil, fmt.Errorf("script: the engine cannot start: %w", err)
	}
	var err error
	if e.module, err = e.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, 2), module); err != nil {
		return nil, fmt.Errorf("script: the engine cannot be compiled: %w", err)
	}
	if err := e.makeImage(); err != nil {
		return nil, fmt.Errorf("script: the engine cannot start: %w", err)
	}
	return e, nil
})

// Load prepares the engine. The first call takes about a second, other calls return at
// once.
func Load() error {
	_, err := load()
	return err
}

// start returns a machine with the language, and without the prelude.
func (e *engine) start() (*Machine, error) {
	m, err := e.instantiate()
	if err != nil {
		return nil, err
	}
	m.memory.limit = 64 * pageSize
	if _, err := m.invoke("boot", stackLimit, spare); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// makeImage starts a machine and keeps the machine's memory. Another machine compiles
// the prelude, because a compiler leaves much.
func (e *engine) makeImage() error {
	compiler, err := e.start()
	if err != nil {
		return err
	}
	defer compiler.close()
	code, _, err := compiler.compile(patient{}, prelude, 1)
	if err != nil {
		return err
	}
	m, err := e.start()
	if err != nil {
		return err
	}
	defer m.close()
	p, err := m.put(code)
	if err != nil {
		return err
	}
	if status, err := m.invoke("equip", p, uint64(len(code))); err != nil || Status(status) != Done {
		return fmt.Errorf("prelude.js has status %d: %w", status, err)
	}
	heap, err := m.invoke("heap")
	if err != nil {
		return err
	}
	if e.inbox, err = m.invoke("boxes"); err != nil {
		return err
	}
	e.heap, e.sp = int(heap)-overhead, m.global("sp").Get()
	e.cards = int(m.module.ExportedGlobal("cards").Get())
	high, err := m.clear()
	if err != nil {
		return err
	}
	e.image, e.high = append([]byte(nil), m.bytes()...), uint32(high)
	clear(m.cards(e.image))
	return nil
}

// patient is the Host while the image is made.
type patient struct{}

func (patient) Tick() error                       { return nil }
func (patient) Call(What, []byte) ([]byte, error) { return nil, nil }

type hostFunction struct {
	call                api.GoModuleFunc
	parameters, results []api.ValueType
}

// hostFunctions are the functions that the module imports. Nothing else of the
// program can be reached from a machine.
var hostFunctions = map[string]hostFunction{
	"tick": {call: func(ctx context.Context, _ api.Module, _ []uint64) {
		if err := running(ctx).host.Tick(); err != nil {
			panic(End{err})
		}
	}},
	"call": {func(ctx context.Context, m api.Module, stack []uint64) {
		text, ok := m.Memory().Read(api.DecodeU32(stack[1]), api.DecodeU32(stack[2]))
		if !ok {
			panic(End{errors.New("script: the engine read outside of its memory")})
		}
		stack[0] = api.EncodeI32(running(ctx).called(What(api.DecodeI32(stack[0])), text))
	}, []api.ValueType{api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32}, []api.ValueType{api.ValueTypeI32}},
	"response": {func(ctx context.Context, m api.Module, stack []uint64) {
		at, response := api.DecodeU32(stack[0]), running(ctx).response
		if !m.Memory().Write(at, response) {
			panic(End{errors.New("script: the engine wrote outside of its memory")})
		}
		running(ctx).mark(int(at), len(response))
	}, []api.ValueType{api.ValueTypeI32}, nil},
	"now": {func(_ context.Context, _ api.Module, stack []uint64) {
		stack[0] = api.EncodeF64(float64(time.Now().UnixMilli()))
	}, nil, []api.ValueType{api.ValueTypeF64}},
	"chance": {func(_ context.Context, _ api.Module, stack []uint64) {
		stack[0] = api.EncodeF64(rand.Float64())
	}, nil, []api.ValueType{api.ValueTypeF64}},
}
