package definition

import (
	"net/http"
	"strings"

	"github.com/connectorauth/connectorauth/internal/template"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// test checks the test request, whose path may have the inputs of the definition.
func (c *checker) test(p *path) {
	t := c.d.Test
	if t == nil {
		return
	}
	method, rest, _ := strings.Cut(t.Request, " ")
	if !wire.IsToken(method) || strings.ToUpper(method) != method || method == http.MethodConnect || !strings.HasPrefix(rest, "/") {
		c.add(p.member("request"), "want a method and a path, such as GET /me")
	} else if u, err := template.ParseURL("https://example.com" + rest); err != nil {
		c.add(p.member("request"), "%v", err)
	} else {
		c.names(p.member("request"), u.Names())
		c.noSecret(p.member("request"), u.Names())
	}
	if method == http.MethodHead && t.ID+t.Label != "" {
		c.add(p.member("request"), "the response to HEAD has no body for id and label; use GET")
	}
	if _, ok := c.d.BaseURLs[t.Base]; t.Base != "" && !ok {
		c.add(p.member("base"), "%s is none of baseUrls%s", shown(t.Base), c.hint(t.Base, keys(c.d.BaseURLs)))
	}
	for i, status := range t.OK {
		if status < 100 || status > 599 {
			c.add(p.member("ok").element(i), "is no status")
		}
	}
	if t.ID != "" && !isPointer(t.ID) {
		c.add(p.member("id"), "want a JSON Pointer (RFC 6901), such as /user/id")
	}
	label, err := template.ParsePointers(t.Label)
	if err != nil {
		c.add(p.member("label"), "%v", err)
	}
	for _, pointer := range label.Names() {
		if !isPointer(pointer) {
			c.add(p.member("label"), "want JSON Pointers (RFC 6901) in braces, such as {/user/name}")
		}
	}
}

// isPointer reports whether s is a JSON Pointer to a member.
func isPointer(s string) bool {
	for i := range len(s) {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return false
		}
	}
	return strings.HasPrefix(s, "/")
}
