package tokenstore

// Locks returns how many keys have a lock that is held or waited for.
func (m *Memory) Locks() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.locks)
}

// Changes returns how many keys have a change that somebody waits for.
func (m *Memory) Changes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.changes)
}
