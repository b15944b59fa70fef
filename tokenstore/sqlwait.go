package tokenstore

import (
	"context"
	"strings"
)

const readAtOnce = 500 // keys in one statement

// Wait returns the value of key as soon as the value is not old, or an error when
// ctx ends. A nil value is absent.
func (s *SQL) Wait(ctx context.Context, key string, old []byte) (value []byte, err error) {
	if value, err = s.watch.Wait(ctx, key, old); err != nil {
		return nil, fail("wait for", key, err)
	}
	return value, nil
}

// readAll reads the values of keys, some hundred with each statement.
func (s *SQL) readAll(ctx context.Context, keys []string, found func(key string, value []byte)) error {
	for len(keys) > 0 {
		some := keys[:min(len(keys), readAtOnce)]
		keys = keys[len(some):]
		ids := make([]any, len(some))
		for i, key := range some {
			ids[i] = hash(key)
		}
		rows, err := s.pairs(ctx, s.loadSome(&ids), ids...)
		if err != nil {
			return err
		}
		values := make(map[string][]byte, len(rows))
		for _, row := range rows {
			values[row[0]] = append([]byte{}, row[1]...) // nil would mean absent
		}
		for i, key := range some {
			found(key, values[ids[i].(string)])
		}
	}
	return nil
}

// loadSome returns a statement that reads the rows of ids. loadSome repeats the
// last id, so there are few different statements: drivers and databases
// keep statements.
func (s *SQL) loadSome(ids *[]any) string {
	size := 1
	for size < len(*ids) {
		size *= 2
	}
	for size = min(size, readAtOnce); len(*ids) < size; {
		*ids = append(*ids, (*ids)[len(*ids)-1])
	}
	return s.db.Statement(s.loadMany + "(?" + strings.Repeat(", ?", size-1) + ")")
}
