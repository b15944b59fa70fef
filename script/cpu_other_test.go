//go:build !unix

package script_test

import "time"

// processTime is unknown here.
func processTime() time.Duration { return 0 }
