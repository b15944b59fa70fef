package consent

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxAccept is how much of Accept-Language is read, in bytes.
const maxAccept = 1 << 10

// choose returns the language of a page for r. wanted is the tag that the program has
// chosen for the person, or empty.
func (l *look) choose(wanted string, r *http.Request) *language {
	accepted, refused := acceptedLanguages(strings.Join(r.Header.Values("Accept-Language"), ","))
	if wanted = strings.ToLower(wanted); isTag(wanted) {
		accepted = append([]string{wanted}, accepted...)
	}
	for _, tag := range accepted {
		parents := prefixes(tag)
		for _, parent := range slices.Backward(parents) {
			if in := l.languages[parent]; in != nil && (!refused[parent] || parent == tag) {
				return in
			}
		}
	}
	return l.fallback
}

// acceptedLanguages reads the header Accept-Language (RFC 9110 section 12.5.4): the
// tags that a person wants, the best first, and those that the person refuses. All
// tags are in lower case. Malformed parts have no effect.
func acceptedLanguages(header string) (accepted []string, refused map[string]bool) {
	type weighted struct {
		tag    string
		weight float64
	}
	var all []weighted
	refused = map[string]bool{}
	for part := range strings.SplitSeq(strings.ToLower(header[:min(len(header), maxAccept)]), ",") {
		tag, parameter, weighs := strings.Cut(part, ";")
		tag = strings.TrimSpace(tag)
		weight := 1.0
		if weighs {
			value, isWeight := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
			var err error
			if weight, err = strconv.ParseFloat(value, 64); !isWeight || err != nil || !(weight >= 0 && weight <= 1) {
				continue
			}
		}
		switch {
		case !isTag(tag): // "*" too: every language is as good as the default
		case weight == 0:
			refused[tag] = true
		default:
			all = append(all, weighted{tag, weight})
		}
	}
	slices.SortStableFunc(all, func(a, b weighted) int { return cmp.Compare(b.weight, a.weight) }) // the first of equals comes first
	for _, w := range all {
		accepted = append(accepted, w.tag)
	}
	return accepted, refused
}

// prefixes returns a tag and what lookup (RFC 4647 section 3.4) tries in place of the
// tag, the shortest first: "zh", "zh-hant" and "zh-hant-cn" for "zh-hant-cn". No tag
// ends in a single letter, which only introduces what follows.
func prefixes(tag string) (all []string) {
	subtags := strings.Split(tag, "-")
	for i := range subtags {
		if len(subtags[i]) > 1 {
			all = append(all, strings.Join(subtags[:i+1], "-"))
		}
	}
	return all
}

// isTag reports whether text has the form of a language tag (RFC 5646): subtags of
// one to eight letters and digits, the first of two letters or more.
func isTag(text string) bool {
	for i, subtag := range strings.Split(text, "-") {
		allowed := "abcdefghijklmnopqrstuvwxyz"
		if i > 0 {
			allowed += "0123456789"
		}
		if subtag == "" || len(subtag) > 8 || i == 0 && len(subtag) < 2 || strings.Trim(strings.ToLower(subtag), allowed) != "" {
			return false
		}
	}
	return len(text) <= 64
}

// Languages and scripts that are written from right to left.
var rightToLeft = strings.Fields("ar arc arz ckb dv fa glk he iw ji ks lrc mzn nqo pnb prs ps sd syr ug ur yi " +
	"adlm arab aran hebr mand nkoo rohg samr syrc thaa")

// direction returns the direction of a language, for the attribute dir of HTML. A
// script in the tag decides: az-Arab is written from right to left, and ug-Latn is not.
func direction(tag string) string {
	subtags := strings.Split(strings.ToLower(tag), "-")
	decisive := subtags[0]
	if len(subtags) > 1 && len(subtags[1]) == 4 {
		decisive = subtags[1]
	}
	if slices.Contains(rightToLeft, decisive) {
		return "rtl"
	}
	return "ltr"
}
