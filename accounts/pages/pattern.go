package pages

import (
	"cmp"
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"

	"github.com/connectorauth/connectorauth/definition"
)

// formats are patterns of values for browsers, which check less than package definition.
var formats = map[definition.Format]string{
	definition.FormatLabel:   `[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?`,
	definition.FormatHost:    `[a-z0-9](?:[a-z0-9\-\.]*[a-z0-9])?`,
	definition.FormatOrigin:  `https:\/\/[a-z0-9](?:[a-z0-9\-\.]*[a-z0-9])?(?::[0-9]+)?`,
	definition.FormatURL:     `https:\/\/[a-z0-9](?:[a-z0-9\-\.]*[a-z0-9])?(?::[0-9]+)?(?:\/[^?#\s]*)?`,
	definition.FormatUUID:    `[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`,
	definition.FormatEmail:   `[^\s@<>"]+@[^\s@<>"]+`,
	definition.FormatInteger: `-?[0-9]{1,18}`,
}

// browserPattern returns the attribute pattern of an input, a regular expression of
// JavaScript with the flag v. Empty means that the browser checks nothing.
func browserPattern(l definition.Limits) string {
	if len(l.Enum) > 0 || l.Format == definition.FormatKey {
		return ""
	}
	format, own := formats[l.Format], ""
	if l.Pattern != "" {
		if parsed, err := syntax.Parse(l.Pattern, syntax.Perl); err == nil {
			own, _ = javaScript(parsed)
		}
	}
	if format != "" && own != "" {
		return "(?=(?:" + format + ")$)(?:" + own + ")"
	}
	return cmp.Or(own, format)
}

// javaScript writes a regular expression of RE2 for JavaScript. The two notations differ in
// classes and escapes; the parsed expression has neither. ok is false if JavaScript has no
// such expression.
func javaScript(re *syntax.Regexp) (text string, ok bool) {
	lazy := ""
	if re.Flags&syntax.NonGreedy != 0 {
		lazy = "?"
	}
	parts := make([]string, len(re.Sub))
	for i, sub := range re.Sub {
		if parts[i], ok = javaScript(sub); !ok {
			return "", false
		}
		parts[i] = "(?:" + parts[i] + ")"
	}
	switch re.Op {
	case syntax.OpEmptyMatch:
		return "(?:)", true
	case syntax.OpLiteral:
		return literal(re), true
	case syntax.OpCharClass:
		return class(re.Rune), len(re.Rune) > 0
	case syntax.OpAnyCharNotNL:
		return `[^\n]`, true
	case syntax.OpAnyChar:
		return `[\s\S]`, true
	case syntax.OpBeginText:
		return "^", true
	case syntax.OpEndText:
		return "$", true
	case syntax.OpWordBoundary:
		return `\b`, true
	case syntax.OpNoWordBoundary:
		return `\B`, true
	case syntax.OpCapture:
		return parts[0], true
	case syntax.OpStar:
		return parts[0] + "*" + lazy, true
	case syntax.OpPlus:
		return parts[0] + "+" + lazy, true
	case syntax.OpQuest:
		return parts[0] + "?" + lazy, true
	case syntax.OpRepeat:
		if re.Max < 0 {
			return fmt.Sprintf("%s{%d,}%s", parts[0], re.Min, lazy), true
		}
		return fmt.Sprintf("%s{%d,%d}%s", parts[0], re.Min, re.Max, lazy), true
	case syntax.OpConcat:
		return strings.Join(parts, ""), true
	case syntax.OpAlternate:
		return strings.Join(parts, "|"), true
	}
	return "", false
}

// literal writes characters, in both cases if the case does not count.
func literal(re *syntax.Regexp) string {
	var b strings.Builder
	for _, r := range re.Rune {
		if re.Flags&syntax.FoldCase == 0 {
			b.WriteString(class([]rune{r, r}))
			continue
		}
		cases := []rune{r, r}
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			cases = append(cases, other, other)
		}
		b.WriteString(class(cases))
	}
	return b.String()
}

// class writes ranges of characters.
func class(ranges []rune) string {
	if len(ranges) == 2 && ranges[0] == ranges[1] && isWord(ranges[0]) {
		return string(ranges[0])
	}
	var b strings.Builder
	b.WriteByte('[')
	for i := 0; i+1 < len(ranges); i += 2 {
		b.WriteString(escaped(ranges[i]))
		if ranges[i] != ranges[i+1] {
			b.WriteByte('-')
			b.WriteString(escaped(ranges[i+1]))
		}
	}
	b.WriteByte(']')
	return b.String()
}

// isWord reports whether a character means itself everywhere.
func isWord(r rune) bool {
	return '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || r == '_'
}

// escaped writes a character of a class.
func escaped(r rune) string {
	if isWord(r) {
		return string(r)
	}
	return fmt.Sprintf(`\u{%x}`, r)
}
