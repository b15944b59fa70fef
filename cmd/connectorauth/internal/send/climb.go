package send

import (
	"net/url"
	"strings"
)

// Climbs reports whether a server may read a path as one above its start: a segment is two
// dots, also between encoded slashes or backslashes, and also with parameters.
func Climbs(path string) bool {
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return true
	}
	for segment := range strings.FieldsFuncSeq(decoded, func(r rune) bool { return r == '/' || r == '\\' }) {
		if name, _, _ := strings.Cut(segment, ";"); name == ".." {
			return true
		}
	}
	return false
}
