package scrub

import (
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// filled returns the segments of the caller's path with a placeholder, by what was sent.
func filled(original, sent *url.URL) map[string]string {
	before, after := strings.Split(wire.EscapedPath(original), "/"), strings.Split(sent.EscapedPath(), "/")
	if len(before) != len(after) {
		return nil
	}
	filled := map[string]string{}
	for i := range before {
		if before[i] != after[i] && strings.Contains(before[i], "%7B") {
			filled[segment(after[i])] = before[i]
		}
	}
	return filled
}

// inPath adds the segments that were sent in place of a placeholder to the list of what
// was added to a URL. However short, such a segment, and a secret in one, are no words
// of a path.
func inPath(added []pair, original, sent *url.URL) []pair {
	for segment := range filled(original, sent) {
		for i, p := range added {
			added[i].certain = p.certain || p.value != "" && strings.Contains(segment, p.value)
		}
		added = append(added, pair{value: segment, certain: true})
	}
	return added
}

// withPlaceholders returns location with the placeholders of the caller's path in the
// place of the credentials that were sent there. A location on another origin than that
// of sent stays as it is.
func withPlaceholders(location string, original, sent *url.URL) string {
	filled := filled(original, sent)
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
