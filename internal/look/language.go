package look

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/check"
	tags "golang.org/x/text/language"
)

// A Language is a language of the pages.
type Language struct {
	Tag       string   // such as "pt-BR"
	Direction string   // ltr or rtl
	Line      []string // the tags whose texts count, each before those that count more: en, pt, pt-BR
}

// newLanguages returns the languages with these tags, in the order of the tags. The
// language with the tag fallback comes first; empty means "en", if there is English.
func newLanguages(given []string, fallback string) (languages []Language, matcher tags.Matcher, err error) {
	var problems check.List
	byTag := map[tags.Tag]bool{}
	for _, text := range slices.Sorted(slices.Values(given)) {
		tag, ok := readTag(text)
		if !ok {
			problems.Add("Languages: %q is not a language tag such as de or pt-BR", text)
			continue
		}
		if byTag[tag] {
			problems.Add("Languages: %q is there twice", tag)
		}
		byTag[tag] = true
	}
	if len(given) == 0 {
		problems.Add("Languages: must have a language; nil means English and German")
	}
	order := slices.SortedFunc(maps.Keys(byTag), func(a, b tags.Tag) int { return strings.Compare(a.String(), b.String()) })
	first, _ := readTag(cmp.Or(fallback, "en"))
	if i := slices.Index(order, first); i >= 0 {
		order = slices.Insert(slices.Delete(order, i, i+1), 0, first)
	} else if fallback != "" {
		problems.Add("Default: %q is not among Languages", fallback)
	}
	for _, tag := range order {
		in := Language{Tag: tag.String(), Direction: direction(tag)}
		for ; tag != tags.Und; tag = tag.Parent() {
			in.Line = append(in.Line, tag.String())
		}
		in.Line = append(in.Line, tags.English.String())
		slices.Reverse(in.Line)
		languages = append(languages, in)
	}
	return languages, tags.NewMatcher(order), problems.Joined()
}

// maxAccept is how much of Accept-Language is read, in bytes.
const maxAccept = 1 << 10

// Choose returns the index in Languages of the language of a page for r (RFC 9110 section
// 12.5.4). wanted is the tag that the program has chosen for the person, or empty.
func (l *Look) Choose(wanted string, r *http.Request) int {
	accepted := strings.ToLower(strings.Join(r.Header.Values("Accept-Language"), ","))
	if len(accepted) > maxAccept {
		accepted = accepted[:maxAccept]
		accepted = accepted[:max(strings.LastIndexByte(accepted, ','), 0)]
	}
	_, i := tags.MatchStrings(l.matcher, wanted, accepted)
	return i
}

// Tag returns a language tag (RFC 5646) in its usual spelling. An empty or unknown tag is
// none.
func Tag(text string) (tag string, ok bool) {
	read, ok := readTag(text)
	return read.String(), ok
}

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
