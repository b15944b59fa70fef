package consent

import (
	"net/http"
	"slices"
	"strings"

	tags "golang.org/x/text/language"
)

// maxAccept is how much of Accept-Language is read, in bytes.
const maxAccept = 1 << 10

// choose returns the language of a page for r (RFC 9110 section 12.5.4). wanted is the
// tag that the program has chosen for the person, or empty.
func (l *look) choose(wanted string, r *http.Request) *language {
	accepted := strings.ToLower(strings.Join(r.Header.Values("Accept-Language"), ","))
	if len(accepted) > maxAccept {
		accepted = accepted[:maxAccept]
		accepted = accepted[:max(strings.LastIndexByte(accepted, ','), 0)]
	}
	_, i := tags.MatchStrings(l.matcher, wanted, accepted)
	return l.languages[i]
}

// readTag reads a language tag (RFC 5646). An empty or unknown tag is none.
func readTag(text string) (tag tags.Tag, ok bool) {
	if len(text) > 64 || strings.Contains(text, "_") {
		return tags.Und, false
	}
	tag, err := tags.Parse(text)
	return tag, err == nil && tag != tags.Und
}

// Scripts that are written from right to left.
var rightToLeft = strings.Fields("Adlm Arab Aran Hebr Mand Nkoo Rohg Samr Syrc Thaa")

// direction returns the direction of a language, for the attribute dir of HTML. The
// script decides: az-Arab is written from right to left, and ug-Latn is not.
func direction(tag tags.Tag) string {
	if script, _ := tag.Script(); slices.Contains(rightToLeft, script.String()) {
		return "rtl"
	}
	return "ltr"
}
