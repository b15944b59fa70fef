package indextest_test

import (
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

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/indextest"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// faulty is an index in which a fault has replaced some methods of a good index.
type faulty struct {
	accounts.Memory
	get    func(ctx context.Context, id string) (accounts.Account, bool, error)
	put    func(ctx context.Context, a accounts.Account) (bool, error)
	remove func(ctx context.Context, id string, version int64) (bool, error)
	list   func(ctx context.Context, f accounts.Filter, after string, limit int) ([]accounts.Account, error)
	claim  func(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error)
	stats  func(ctx context.Context) (accounts.Stats, error)
}

func (i *faulty) Get(ctx context.Context, id string) (accounts.Account, bool, error) {
	return i.get(ctx, id)
}
func (i *faulty) Put(ctx context.Context, a accounts.Account) (bool, error) { return i.put(ctx, a) }
func (i *faulty) Delete(ctx context.Context, id string, version int64) (bool, error) {
	return i.remove(ctx, id, version)
}
func (i *faulty) List(ctx context.Context, f accounts.Filter, after string, limit int) ([]accounts.Account, error) {
	return i.list(ctx, f, after, limit)
}
func (i *faulty) Claim(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error) {
	return i.claim(ctx, limit, lease)
}
func (i *faulty) Stats(ctx context.Context) (accounts.Stats, error) { return i.stats(ctx) }

// normal changes the texts that an index looks for, before each Put and List.
func normal(i *faulty, change func(string) string) {
	i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
		a.Owner = change(a.Owner)
		return i.Memory.Put(ctx, a)
	}
	i.list = func(ctx context.Context, f accounts.Filter, after string, limit int) ([]accounts.Account, error) {
		f.Owner = change(f.Owner)
		return i.Memory.List(ctx, f, after, limit)
	}
}

// faults replace methods of a good index. The name says what is wrong then.
var faults = map[string]func(i *faulty){
	"owners ignore case":           func(i *faulty) { normal(i, strings.ToLower) },
	"owners lose spaces":           func(i *faulty) { normal(i, func(s string) string { return strings.TrimRight(s, " ") }) },
	"owners are cut":               func(i *faulty) { normal(i, func(s string) string { return s[:min(len(s), 255)] }) },
	"owners lose large characters": func(i *faulty) { normal(i, func(s string) string { return strings.ReplaceAll(s, "🔑", "?") }) },
	"errors are cut": func(i *faulty) {
		i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
			a.Error = a.Error[:min(len(a.Error), 65535)]
			return i.Memory.Put(ctx, a)
		}
	},
	"Put ignores versions": func(i *faulty) {
		i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
			stored, _, err := i.Memory.Get(ctx, a.ID)
			if err != nil {
				return false, err
			}
			a.Version = stored.Version
			return i.Memory.Put(ctx, a)
		}
	},
	"Put takes a version that there is not": func(i *faulty) {
		i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
			if _, found, err := i.Memory.Get(ctx, a.ID); err == nil && !found {
				a.Version = 0
			}
			return i.Memory.Put(ctx, a)
		}
	},
	"Put has two winners": func(i *faulty) {
		i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
			stored, err := i.Memory.Put(ctx, a)
			return stored || a.Version > 1, err
		}
	},
	"Put keeps the claim": func(i *faulty) {
		i.claim = func(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error) {
			page, err := i.Memory.Claim(ctx, limit, lease)
			return slices.DeleteFunc(page, func(a accounts.Account) bool { return a.Version > 1 }), err
		}
	},
	"Put rounds times": func(i *faulty) {
		i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
			a.ReauthBy = a.ReauthBy.Truncate(time.Second)
			return i.Memory.Put(ctx, a)
		}
	},
	"Put forgets": func(i *faulty) {
		i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
			a.Missing = nil
			return i.Memory.Put(ctx, a)
		}
	},
	"Put keeps what has become empty": func(i *faulty) {
		i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
			if stored, _, err := i.Memory.Get(ctx, a.ID); err == nil && a.Error == "" {
				a.Error = stored.Error
			}
			return i.Memory.Put(ctx, a)
		}
	},
	"Put fails for a version that many want": func(i *faulty) {
		i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
			if a.Version > 8 {
				return false, errors.New("the row is locked")
			}
			return i.Memory.Put(ctx, a)
		}
	},
	"slices are shared": func(i *faulty) {
		shared := map[string][]string{}
		i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
			shared[a.ID] = a.Granted
			return i.Memory.Put(ctx, a)
		}
		i.get = func(ctx context.Context, id string) (accounts.Account, bool, error) {
			a, found, err := i.Memory.Get(ctx, id)
			a.Granted = shared[id]
			return a, found, err
		}
	},
	"Get finds too much": func(i *faulty) {
		i.get = func(ctx context.Context, id string) (accounts.Account, bool, error) {
			return i.Memory.Get(ctx, strings.TrimRight(id, " "))
		}
	},
	"Delete ignores versions": func(i *faulty) {
		i.remove = func(ctx context.Context, id string, _ int64) (bool, error) {
			a, _, err := i.Memory.Get(ctx, id)
			if err != nil {
				return false, err
			}
			return i.Memory.Delete(ctx, id, a.Version)
		}
	},
	"Delete misses what is gone": func(i *faulty) {
		i.remove = func(ctx context.Context, id string, version int64) (bool, error) {
			if _, found, _ := i.Memory.Get(ctx, id); !found {
				return false, ctx.Err()
			}
			return i.Memory.Delete(ctx, id, version)
		}
	},
	"List sorts like people": func(i *faulty) {
		i.list = func(ctx context.Context, f accounts.Filter, after string, limit int) ([]accounts.Account, error) {
			page, err := i.Memory.List(ctx, f, after, 1000)
			slices.SortFunc(page, func(a, b accounts.Account) int { return strings.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID)) })
			return page[:min(limit, len(page))], err
		}
	},
	"List repeats the last account": func(i *faulty) {
		i.list = func(ctx context.Context, f accounts.Filter, after string, limit int) ([]accounts.Account, error) {
			page, err := i.Memory.List(ctx, f, after, limit)
			if a, found, _ := i.Memory.Get(ctx, after); found {
				page = append([]accounts.Account{a}, page...)
			}
			return page[:min(limit, len(page))], err
		}
	},
	"List ignores definitions": func(i *faulty) {
		i.list = func(ctx context.Context, f accounts.Filter, after string, limit int) ([]accounts.Account, error) {
			f.Definitions = nil
			return i.Memory.List(ctx, f, after, limit)
		}
	},
	"Claim excludes nobody": func(i *faulty) {
		i.claim = func(ctx context.Context, limit int, _ time.Duration) ([]accounts.Account, error) {
			return i.Memory.Claim(ctx, limit, 0)
		}
	},
	"Claim never ends": func(i *faulty) {
		i.claim = func(ctx context.Context, limit int, _ time.Duration) ([]accounts.Account, error) {
			return i.Memory.Claim(ctx, limit, time.Hour)
		}
	},
	"Claim sorts by ID": func(i *faulty) {
		i.claim = func(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error) {
			page, err := i.Memory.Claim(ctx, limit, lease)
			slices.SortFunc(page, func(a, b accounts.Account) int { return strings.Compare(a.ID, b.ID) })
			return page, err
		}
	},
	"Claim ignores the limit": func(i *faulty) {
		i.claim = func(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error) {
			return i.Memory.Claim(ctx, 1000, lease)
		}
	},
	"Claim counts as a write": func(i *faulty) {
		i.claim = func(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error) {
			page, err := i.Memory.Claim(ctx, limit, lease)
			for _, a := range page {
				i.Memory.Put(ctx, a)
			}
			i.Memory.Claim(ctx, 1000, lease)
			return page, err
		}
	},
	"Stats leaves out what is claimed": func(i *faulty) {
		claimed := 0
		i.claim = func(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error) {
			page, err := i.Memory.Claim(ctx, limit, lease)
			claimed += len(page)
			return page, err
		}
		i.stats = func(ctx context.Context) (accounts.Stats, error) {
			stats, err := i.Memory.Stats(ctx)
			stats.Due -= claimed
			return stats, err
		}
	},
	"the context is ignored": func(i *faulty) {
		i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
			return i.Memory.Put(context.WithoutCancel(ctx), a)
		}
	},
}

// TestSuiteFindsFaults runs the suite on faulty indexes. Each run is a process of its own,
// because the suite fails the process in which the suite runs.
func TestSuiteFindsFaults(t *testing.T) {
	const variable = "INDEXTEST_FAULT"
	if fault := os.Getenv(variable); fault != "" {
		i := new(faulty)
		i.get, i.put, i.remove = i.Memory.Get, i.Memory.Put, i.Memory.Delete
		i.list, i.claim, i.stats = i.Memory.List, i.Memory.Claim, i.Memory.Stats
		faults[fault](i)
		var mu sync.Mutex // some faults are not safe for concurrent use
		put := i.put
		i.put = func(ctx context.Context, a accounts.Account) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			return put(ctx, a)
		}
		indextest.Test(t, func(*testing.T) accounts.Index { return i })
		return
	}
	t.Parallel()
	names := slices.Sorted(maps.Keys(faults))
	outs, errs := make([][]byte, len(names)), make([]error, len(names))
	var group sync.WaitGroup
	for i, fault := range names {
		group.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.failfast", "-test.run=^TestSuiteFindsFaults$")
			cmd.Env = append(os.Environ(), variable+"="+fault)
			outs[i], errs[i] = cmd.CombinedOutput()
		})
	}
	group.Wait()
	for i, fault := range names {
		t.Run(fault, func(t *testing.T) {
			assert.Error(t, errs[i])
			assert.Contains(t, string(outs[i]), "--- FAIL: TestSuiteFindsFaults/")
			assert.NotContains(t, string(outs[i]), "panic:")
		})
	}
}
