package script

// SetMaxWaiting changes how many bytes the requests of a tenant may keep, and returns
// the number before.
func SetMaxWaiting(n int64) int64 {
	waiting.Lock()
	defer waiting.Unlock()
	before := maxWaiting
	maxWaiting = n
	return before
}
