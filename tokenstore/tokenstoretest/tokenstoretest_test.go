package tokenstoretest_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/tokenstoretest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// faulty is a store in which a fault has replaced some methods of a good store.
type faulty struct {
	tokenstore.SharedStore
	load   func(ctx context.Context, key string) ([]byte, bool, error)
	save   func(ctx context.Context, key string, value []byte) error
	remove func(ctx context.Context, key string) error
	lock   func(ctx context.Context, key string) (func(), error)
	swap   func(ctx context.Context, key string, old, new []byte) (bool, error)
}

func (s faulty) Load(ctx context.Context, key string) ([]byte, bool, error) { return s.load(ctx, key) }
func (s faulty) Save(ctx context.Context, key string, value []byte) error {
	return s.save(ctx, key, value)
}
func (s faulty) Delete(ctx context.Context, key string) error { return s.remove(ctx, key) }
func (s faulty) Lock(ctx context.Context, key string) (func(), error) {
	return s.lock(ctx, key)
}
func (s faulty) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	return s.swap(ctx, key, old, new)
}

// faults replace methods of a good store. The name says what is wrong then.
var faults = map[string]func(s *faulty, good tokenstore.SharedStore){
	"keys ignore case": func(s *faulty, good tokenstore.SharedStore) {
		s.save = func(ctx context.Context, key string, value []byte) error {
			return good.Save(ctx, strings.ToLower(key), value)
		}
		s.load = func(ctx context.Context, key string) ([]byte, bool, error) {
			return good.Load(ctx, strings.ToLower(key))
		}
	},
	"keys end at NUL": func(s *faulty, good tokenstore.SharedStore) {
		s.save = func(ctx context.Context, key string, value []byte) error {
			key, _, _ = strings.Cut(key, "\x00")
			return good.Save(ctx, key, value)
		}
		s.load = func(ctx context.Context, key string) ([]byte, bool, error) {
			key, _, _ = strings.Cut(key, "\x00")
			return good.Load(ctx, key)
		}
	},
	"an empty value is nil": func(s *faulty, good tokenstore.SharedStore) {
		s.load = func(ctx context.Context, key string) ([]byte, bool, error) {
			value, ok, err := good.Load(ctx, key)
			if len(value) == 0 {
				value = nil
			}
			return value, ok, err
		}
	},
	"Save ignores its context": func(s *faulty, good tokenstore.SharedStore) {
		s.save = func(ctx context.Context, key string, value []byte) error {
			return good.Save(context.WithoutCancel(ctx), key, value)
		}
	},
	"Save keeps the caller's slice": func(s *faulty, good tokenstore.SharedStore) {
		kept := map[string][]byte{}
		s.save = func(ctx context.Context, key string, value []byte) error {
			if strings.Contains(key, "SlicesAreCopies") {
				kept[key] = value
			}
			return good.Save(ctx, key, value)
		}
		s.load = func(ctx context.Context, key string) ([]byte, bool, error) {
			if value, ok := kept[key]; ok {
				return value, true, nil
			}
			return good.Load(ctx, key)
		}
	},
	"Delete does nothing": func(s *faulty, good tokenstore.SharedStore) {
		s.remove = func(context.Context, string) error { return nil }
	},
	"Lock excludes nobody": func(s *faulty, good tokenstore.SharedStore) {
		s.lock = func(context.Context, string) (func(), error) { return func() {}, nil }
	},
	"Lock is one for all keys": func(s *faulty, good tokenstore.SharedStore) {
		s.lock = func(ctx context.Context, key string) (func(), error) {
			if strings.Contains(key, "LockIsPerKey") {
				key = "all"
			}
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return good.Lock(ctx, key)
		}
	},
	"Lock ends with its context": func(s *faulty, good tokenstore.SharedStore) {
		s.lock = func(ctx context.Context, key string) (func(), error) {
			unlock, err := good.Lock(ctx, key)
			if err == nil {
				context.AfterFunc(ctx, unlock)
			}
			return unlock, err
		}
	},
	"CompareAndSwap is not atomic": func(s *faulty, good tokenstore.SharedStore) {
		s.swap = func(ctx context.Context, key string, old, new []byte) (bool, error) {
			current, ok, err := good.Load(ctx, key)
			if err != nil || ok != (old != nil) || !bytes.Equal(current, old) {
				return false, err
			}
			time.Sleep(time.Millisecond)
			return true, good.Save(ctx, key, new)
		}
	},
	"CompareAndSwap takes empty for absent": func(s *faulty, good tokenstore.SharedStore) {
		s.swap = func(ctx context.Context, key string, old, new []byte) (bool, error) {
			if len(old) == 0 {
				old = nil
			}
			return good.CompareAndSwap(ctx, key, old, new)
		}
	},
	"CompareAndSwap does not count an equal value": func(s *faulty, good tokenstore.SharedStore) {
		s.swap = func(ctx context.Context, key string, old, new []byte) (bool, error) {
			swapped, err := good.CompareAndSwap(ctx, key, old, new)
			return swapped && (old == nil || !bytes.Equal(old, new)), err
		}
	},
}

// TestSuiteFindsFaults runs the suite on faulty stores. Each run is a process of
// its own, because the suite fails the process in which the suite runs.
func TestSuiteFindsFaults(t *testing.T) {
	if fault := os.Getenv("TOKENSTORETEST_FAULT"); fault != "" {
		tokenstoretest.Run(t, func(*testing.T) tokenstore.Store { return newFaulty(fault) })
		return
	}
	for _, fault := range slices.Sorted(maps.Keys(faults)) {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestSuiteFindsFaults$")
			cmd.Env = append(os.Environ(), "TOKENSTORETEST_FAULT="+fault)
			out, err := cmd.CombinedOutput()
			assert.Error(t, err)
			assert.Contains(t, string(out), "--- FAIL: TestSuiteFindsFaults/")
			assert.NotContains(t, string(out), "panic:")
		})
	}
}

var inner tokenstore.Memory

func newFaulty(fault string) tokenstore.Store {
	s := &faulty{&inner, inner.Load, inner.Save, inner.Delete, inner.Lock, inner.CompareAndSwap}
	faults[fault](s, &inner)
	return s
}
