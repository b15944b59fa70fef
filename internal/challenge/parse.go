package challenge

import (
	"strings"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// A parser reads one header value from the start to the end.
type parser struct {
	text string
	pos  int
	list []Challenge
}

// challenges reads the whole value.
func (p *parser) challenges() []Challenge {
	for p.more() {
		if !p.param() && !p.scheme() {
			p.skipElement()
		}
	}
	return p.list
}

// more passes over the separators before the next element of the list, and
// reports whether there is an element.
func (p *parser) more() bool {
	p.skip(" \t,;&")
	return p.pos < len(p.text)
}

// param reads a parameter, name=value, into the last challenge. param reads
// nothing and returns false if there is no parameter at the present position.
func (p *parser) param() bool {
	start := p.pos
	name := p.word("")
	p.skip(" \t")
	if name == "" || !p.next('=') {
		p.pos = start
		return false
	}
	p.skip(" \t")
	value, quoted := p.quoted()
	if !quoted {
		value = p.unquoted()
	}
	if len(p.list) == 0 {
		p.list = append(p.list, Challenge{}) // the server left the scheme out
	}
	c := &p.list[len(p.list)-1]
	if c.Params == nil {
		c.Params = make(map[string]string)
	}
	name = strings.ToLower(name)
	if _, repeated := c.Params[name]; !repeated {
		c.Params[name] = value
	}
	return true
}

// scheme reads the scheme of a new challenge, and the token68 after the scheme
// if there is one. A scheme stands at the start of the value or after a comma.
// scheme reads nothing and returns false at any other position.
func (p *parser) scheme() bool {
	start := p.pos
	before := strings.TrimRight(p.text[:start], " \t")
	if before != "" && !strings.HasSuffix(before, ",") {
		return false
	}
	name := p.word("")
	if name == "" || !p.atEnd() && !p.at(" \t,") {
		p.pos = start
		return false
	}
	p.list = append(p.list, Challenge{Scheme: name})
	if p.at(" \t") {
		p.skip(" \t")
		p.list[len(p.list)-1].Token68 = p.token68()
	}
	return true
}

// token68 reads a token68 that is a whole element of the list. token68 reads
// nothing and returns "" if the element is anything else.
func (p *parser) token68() string {
	start := p.pos
	for !p.atEnd() && isToken68(p.text[p.pos]) {
		p.pos++
	}
	if p.pos > start {
		p.skip("=")
	}
	value := p.text[start:p.pos]
	p.skip(" \t")
	if value != "" && (p.atEnd() || p.at(",")) {
		return value
	}
	p.pos = start
	return ""
}

// isToken68 reports whether c may be part of a token68, apart from the equals
// signs at the end (RFC 9110 section 11.2).
func isToken68(c byte) bool { return wire.IsUnreserved(c) || c == '+' || c == '/' }

// quoted reads a quoted-string (RFC 9110 section 5.6.4) and returns the text
// that the string stands for. A string without a closing quote ends with the
// header value.
func (p *parser) quoted() (value string, ok bool) {
	if !p.next('"') {
		return "", false
	}
	start := p.pos
	var b strings.Builder
	for ; !p.atEnd() && p.text[p.pos] != '"'; p.pos++ {
		if p.text[p.pos] == '\\' && p.pos+1 < len(p.text) {
			b.WriteString(p.text[start:p.pos])
			p.pos++ // the escaped character is part of the text
			start = p.pos
		}
	}
	b.WriteString(p.text[start:p.pos])
	p.next('"')
	return b.String(), true
}

// unquoted reads a value without quotes. RFC 9110 allows a token there, but
// servers also send text such as URLs. An ampersand ends the value if another
// parameter follows, as in a form: some OAuth1 servers send a form as the
// challenge.
func (p *parser) unquoted() string {
	start := p.pos
	for !p.atEnd() && !p.at(" \t,;\"") && !(p.at("&") && p.paramFollows()) {
		p.pos++
	}
	return p.text[start:p.pos]
}

// paramFollows reports whether a parameter comes after the ampersand at the
// present position.
func (p *parser) paramFollows() bool {
	after := parser{text: p.text, pos: p.pos + 1}
	return after.word("&") != "" && after.next('=')
}

// skipElement passes over text that cannot be read, up to the next separator.
func (p *parser) skipElement() {
	for !p.atEnd() && !p.at(" \t,;") {
		if _, quoted := p.quoted(); !quoted {
			p.pos++
		}
	}
}

// word reads a token without the characters in except. word returns "" if there
// is none.
func (p *parser) word(except string) string {
	start := p.pos
	for !p.atEnd() && wire.IsTokenByte(p.text[p.pos]) && !p.at(except) {
		p.pos++
	}
	return p.text[start:p.pos]
}

// next reads the character c if c is the next character.
func (p *parser) next(c byte) bool {
	if p.atEnd() || p.text[p.pos] != c {
		return false
	}
	p.pos++
	return true
}

// skip reads all characters from set that come next.
func (p *parser) skip(set string) {
	for p.at(set) {
		p.pos++
	}
}

// at reports whether the next character is one of set.
func (p *parser) at(set string) bool {
	return !p.atEnd() && strings.IndexByte(set, p.text[p.pos]) >= 0
}

func (p *parser) atEnd() bool { return p.pos >= len(p.text) }
