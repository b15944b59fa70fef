package otelauth

import "sync"

// mostValues is how many values an attribute has, apart from otherValue.
const mostValues = 200

// otherValue stands for all values that are too many, as error.type has it in the semantic
// conventions of OpenTelemetry.
const otherValue = "_OTHER"

// bounded keeps the number of an attribute's values small, whatever programs and providers
// come up with. The zero value is ready to use.
type bounded struct {
	mu   sync.Mutex
	seen map[string]struct{}
}

// value returns v, or otherValue if there are too many values already.
func (b *bounded) value(v string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.seen[v]; ok {
		return v
	}
	if len(b.seen) >= mostValues {
		return otherValue
	}
	if b.seen == nil {
		b.seen = map[string]struct{}{}
	}
	b.seen[v] = struct{}{}
	return v
}
