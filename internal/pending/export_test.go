package pending

// Remembered returns how many ended consents k remembers.
func (k *Keeper) Remembered() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.over)
}
