package tokenstoretest_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
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
	lock   func(ctx context.Context, key string) (tokenstore.Lease, error)
	swap   func(ctx context.Context, key string, old, new []byte) (bool, error)
	wait   func(ctx context.Context, key string, old []byte) ([]byte, error)
}

func (s faulty) Load(ctx context.Context, key string) ([]byte, bool, error) { return s.load(ctx, key) }
func (s faulty) Save(ctx context.Context, key string, value []byte) error {
	return s.save(ctx, key, value)
}
func (s faulty) Delete(ctx context.Context, key string) error { return s.remove(ctx, key) }
func (s faulty) Lock(ctx context.Context, key string) (tokenstore.Lease, error) {
	return s.lock(ctx, key)
}
func (s faulty) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	return s.swap(ctx, key, old, new)
}
func (s faulty) Wait(ctx context.Context, key string, old []byte) ([]byte, error) {
	return s.wait(ctx, key, old)
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
	"Save fails when all is saved": func(s *faulty, good tokenstore.SharedStore) {
		s.save = func(ctx context.Context, key string, value []byte) error {
			if err := good.Save(ctx, key, value); err != nil || !strings.Contains(key, "ManyKeys") {
				return err
			}
			return errors.New("the connection was closed")
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
		s.lock = func(context.Context, string) (tokenstore.Lease, error) { return freeForAll{}, nil }
	},
	"Lock is one for all keys": func(s *faulty, good tokenstore.SharedStore) {
		s.lock = func(ctx context.Context, key string) (tokenstore.Lease, error) {
			if strings.Contains(key, "LockIsPerKey") {
				key = "all"
			}
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return good.Lock(ctx, key)
		}
	},
	"Lock has another error at the deadline": func(s *faulty, good tokenstore.SharedStore) {
		s.lock = func(ctx context.Context, key string) (tokenstore.Lease, error) {
			lease, err := good.Lock(ctx, key)
			if errors.Is(err, context.DeadlineExceeded) {
				err = errors.New("the row is locked")
			}
			return lease, err
		}
	},
	"Lock ends with its context": func(s *faulty, good tokenstore.SharedStore) {
		s.lock = func(ctx context.Context, key string) (tokenstore.Lease, error) {
			lease, err := good.Lock(ctx, key)
			if err == nil {
				context.AfterFunc(ctx, lease.Unlock)
			}
			return lease, err
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
	"Check does not know of Unlock": func(s *faulty, good tokenstore.SharedStore) {
		s.lock = func(ctx context.Context, key string) (tokenstore.Lease, error) {
			lease, err := good.Lock(ctx, key)
			return careless{lease}, err
		}
	},
	"Unlock closes Lost": func(s *faulty, good tokenstore.SharedStore) {
		s.lock = func(ctx context.Context, key string) (tokenstore.Lease, error) {
			lease, err := good.Lock(ctx, key)
			lost := make(chan struct{})
			return closing{lease, lost, sync.OnceFunc(func() { close(lost) })}, err
		}
	},
	"Wait never wakes": func(s *faulty, good tokenstore.SharedStore) {
		s.wait = func(ctx context.Context, key string, old []byte) ([]byte, error) {
			value, ok, err := good.Load(ctx, key)
			if err != nil || ok != (old != nil) || !bytes.Equal(value, old) {
				return value, err
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
	},
	"Wait misses Delete": func(s *faulty, good tokenstore.SharedStore) {
		s.wait = func(ctx context.Context, key string, old []byte) ([]byte, error) {
			for {
				value, err := inner.Wait(ctx, key, old)
				if value != nil || err != nil {
					return value, err
				}
				old = nil
			}
		}
	},
	"Wait returns the old value": func(s *faulty, good tokenstore.SharedStore) {
		s.wait = func(ctx context.Context, key string, old []byte) ([]byte, error) {
			value, err := inner.Wait(ctx, key, old)
			if err == nil && old != nil {
				value = old
			}
			return value, err
		}
	},
	"Wait returns before the change": func(s *faulty, good tokenstore.SharedStore) {
		s.wait = func(ctx context.Context, key string, _ []byte) ([]byte, error) {
			value, _, err := good.Load(ctx, key)
			return value, err
		}
	},
	"Wait outlasts its context": func(s *faulty, good tokenstore.SharedStore) {
		s.wait = func(ctx context.Context, key string, old []byte) ([]byte, error) {
			patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer cancel()
			value, err := inner.Wait(patience, key, old)
			return value, errors.Join(err, ctx.Err())
		}
	},
	"Wait looks at the value before the context": func(s *faulty, good tokenstore.SharedStore) {
		s.wait = func(ctx context.Context, key string, old []byte) ([]byte, error) {
			if value, ok, err := good.Load(context.WithoutCancel(ctx), key); err != nil || ok != (old != nil) || !bytes.Equal(value, old) {
				return value, err
			}
			return inner.Wait(ctx, key, old)
		}
	},
	"Wait takes empty for absent": func(s *faulty, good tokenstore.SharedStore) {
		s.wait = func(ctx context.Context, key string, old []byte) ([]byte, error) {
			if len(old) == 0 {
				old = nil
			}
			return inner.Wait(ctx, key, old)
		}
	},
}

// freeForAll is a lock that excludes nobody.
type freeForAll struct{}

func (freeForAll) Check(ctx context.Context) error { return ctx.Err() }
func (freeForAll) Lost() <-chan struct{}           { return nil }
func (freeForAll) Unlock()                         {}

// careless is a lock whose Check always says yes.
type careless struct{ tokenstore.Lease }

func (careless) Check(ctx context.Context) error { return ctx.Err() }

// closing is a lock whose Unlock closes Lost.
type closing struct {
	tokenstore.Lease
	lost  chan struct{}
	close func()
}

func (c closing) Lost() <-chan struct{} { return c.lost }
func (c closing) Unlock()               { c.Lease.Unlock(); c.close() }

// TestSuiteFindsFaults runs the suite on faulty stores. Each run is a process of
// its own, because the suite fails the process in which the suite runs.
func TestSuiteFindsFaults(t *testing.T) {
	if fault := os.Getenv("TOKENSTORETEST_FAULT"); fault != "" {
		tokenstoretest.Run(t, func(*testing.T) tokenstore.Store { return newFaulty(fault) })
		return
	}
	t.Parallel()
	finds(t, "TestSuiteFindsFaults", slices.Sorted(maps.Keys(faults)))
}

// finds runs test in a process for each of faults. The test must fail there. All
// processes run together, because they wait most of the time.
func finds(t *testing.T, test string, faults []string) {
	outs, errs := make([][]byte, len(faults)), make([]error, len(faults))
	var group sync.WaitGroup
	for i, fault := range faults {
		group.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.failfast", "-test.run=^"+test+"$")
			cmd.Env = append(os.Environ(), "TOKENSTORETEST_FAULT="+fault)
			outs[i], errs[i] = cmd.CombinedOutput()
		})
	}
	group.Wait()
	for i, fault := range faults {
		t.Run(fault, func(t *testing.T) {
			assert.Error(t, errs[i])
			assert.Contains(t, string(outs[i]), "--- FAIL: "+test+"/")
			assert.NotContains(t, string(outs[i]), "panic:")
		})
	}
}

var inner tokenstore.Memory

func newFaulty(fault string) tokenstore.Store {
	s := &faulty{&inner, inner.Load, inner.Save, inner.Delete, inner.Lock, inner.CompareAndSwap, inner.Wait}
	faults[fault](s, &inner)
	return s
}
