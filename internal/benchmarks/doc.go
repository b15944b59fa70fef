// Package benchmarks compares the library with other people's libraries, and shows how its
// costs grow. The other libraries are requirements of this module alone. There is nothing
// to import: the benchmarks are in the test files, and internal/benchpage puts their
// results into docs/benchmarks.md.
//
//	go test -run '^$' -bench . ./internal/benchmarks
//	GOEXPERIMENT=jsonv2 go test -run '^$' -bench JSONv2 ./internal/benchmarks
//
// The contenders of a benchmark take turns in one process, and the best rounds are
// compared: other work on the machine disturbs the best rounds least. A metric ours/floor
// is the time of ours divided by the time of the floor.
package benchmarks
