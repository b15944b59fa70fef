// Package race says whether the race detector is on. The detector makes a test five to
// ten times slower, and finds nothing in a long table of cases without concurrency: with
// the detector, such a test takes a part of the table. CI runs the whole table without
// the detector.
package race

// Fewer returns all, or fewer with the detector.
func Fewer(all, fewer int) int {
	if Enabled {
		return fewer
	}
	return all
}
