package discovery

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxDocuments = 1000    // in a cache
	maxBytes     = 8 << 20 // of the documents in a cache, as they were sent

	leastAge, usualAge, mostAge = time.Minute, time.Hour, 24 * time.Hour
)

// A document is metadata in a cache.
type document struct {
	value any
	size  int // of the response, in bytes
	until time.Time
}

// A cache keeps documents, and makes one lookup for all who want a document at the same
// time. The zero value is ready.
type cache struct {
	flights flights[document]

	mu    sync.Mutex
	kept  map[string]document
	bytes int
}

// get returns the document of key, from memory or from look; anew: from look.
func (c *cache) get(ctx context.Context, key string, anew bool, look func(context.Context) (document, error)) (any, error) {
	if value := c.present(key); value != nil && !anew {
		return value, nil
	}
	found, err := c.flights.do(ctx, key, func(ctx context.Context) (document, error) {
		if value := c.present(key); value != nil && !anew { // of a lookup that has just ended
			return document{value: value}, nil
		}
		d, err := look(ctx)
		if err == nil {
			c.keep(key, d)
		}
		return d, err
	})
	return found.value, err
}

// present returns the document of key in memory, or nil.
func (c *cache) present(key string) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d, ok := c.kept[key]; ok && time.Now().Before(d.until) {
		return d.value
	}
	return nil
}

// keep keeps d, and makes room: the document that would expire first goes first.
func (c *cache) keep(key string, d document) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[string]document{}
	}
	c.remove(key)
	for len(c.kept) >= maxDocuments || c.bytes > 0 && c.bytes+d.size > maxBytes {
		first := ""
		for other := range c.kept {
			if first == "" || c.kept[other].until.Before(c.kept[first].until) {
				first = other
			}
		}
		c.remove(first)
	}
	c.kept[key] = d
	c.bytes += d.size
}

// remove removes the document of key, if there is one. The caller holds c.mu.
func (c *cache) remove(key string) {
	c.bytes -= c.kept[key].size
	delete(c.kept, key)
}

// lifetime returns how long a response may be kept (RFC 9111 section 5.2.2).
func lifetime(h http.Header) time.Duration {
	age := usualAge
	for directive := range strings.SplitSeq(strings.ToLower(strings.Join(h["Cache-Control"], ",")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return leastAge
		case "max-age":
			seconds, _ := strconv.ParseInt(strings.Trim(value, `"`), 10, 32) // 0, or the nearest number
			age = time.Duration(seconds) * time.Second
		}
	}
	return min(max(age, leastAge), mostAge)
}
