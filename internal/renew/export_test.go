package renew

// Engines returns how many Engines a Group remembers.
func Engines(g *Group) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.engines)
}
