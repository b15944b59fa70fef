package scrub

import (
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// withPlaceholders returns location with the placeholders of the caller's path in the
// place of the credentials that were sent there. A location on another origin than that
// of sent stays as it is.
func withPlaceholders(location string, original, sent *url.URL) string {
	before, after := strings.Split(wire.EscapedPath(original), "/"), strings.Split(sent.EscapedPath(), "/")
	if len(before) != len(after) {
		return location
	}
	filled := map[string]string{} // the segments with a placeholder, by what was sent
	for i := range before {
		if before[i] != after[i] && strings.Contains(before[i], "%7B") {
			filled[segment(after[i])] = before[i]
		}
	}
	if len(filled) == 0 {
		return location
	}
	if target, err := sent.Parse(location); err != nil || !origin.Same(target, sent) {
		return location
	}
	end := strings.IndexAny(location, "?#")
	if end < 0 {
		end = len(location)
	}
	start := 0
	if i := strings.Index(location[:end], "//"); i == 0 || i > 0 && location[i-1] == ':' {
		start = i + len("//") // the authority, which is no segment of the path
		if slash := strings.IndexByte(location[start:end], '/'); slash >= 0 {
			start += slash
		} else {
			start = end
		}
	}
	segments := strings.Split(location[start:end], "/")
	for i, s := range segments {
		if placeholder, ok := filled[segment(s)]; ok {
			segments[i] = placeholder
		}
	}
	return location[:start] + strings.Join(segments, "/") + location[end:]
}

// segment decodes a segment of a path. A segment with a broken escape stays as it is.
func segment(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		return decoded
	}
	return s
}
