package tokenstore

// Locks returns how many keys have a lock that is held or waited for.
func (m *Memory) Locks() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.locks)
}
