package pages

// Patterns returns the patterns of all routes of owners.
func Patterns() (patterns []string) {
	for _, route := range routes {
		patterns = append(patterns, route.pattern)
	}
	return patterns
}
