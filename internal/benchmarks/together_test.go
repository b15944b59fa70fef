package benchmarks

import (
	"errors"
	"sync"
)

// together runs f in so many goroutines, and returns the errors.
func together(goroutines int, f func() error) error {
	failures := make([]error, goroutines)
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() { failures[i] = f() })
	}
	all.Wait()
	return errors.Join(failures...)
}
