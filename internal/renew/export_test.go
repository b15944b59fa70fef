package renew

// Len returns how many engines g knows.
func (g *Group) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.engines)
}
