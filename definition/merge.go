package definition

import (
	"fmt"
	"strings"
)

// Merge returns a text of the program with the values of the account: {{name}} becomes
// the value of the input called name, as in the merge fields of Cyclr. An input without a
// value is empty text. Spaces around the name are allowed.
//
// Secrets are never merged, because a text of the program may be shown or logged. A
// name that is no input is an error. Merge writes values as they are: a program that
// merges into a URL or a JSON document must encode them, and a connector sends its
// credentials to the hosts of the definition whatever the text says.
func (c *Connected) Merge(text string) (string, error) {
	var b strings.Builder
	for at := 0; ; {
		before, rest, found := strings.Cut(text[at:], "{{")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		at += len(before)
		name, _, closed := strings.Cut(rest, "}}")
		if !closed {
			return "", c.mergeError(at, "a {{ has no }} after it")
		}
		value, err := c.field(strings.TrimSpace(name))
		if err != nil {
			return "", c.mergeError(at, err.Error())
		}
		b.WriteString(value)
		at += len("{{") + len(name) + len("}}")
	}
}

func (c *Connected) mergeError(at int, text string) error {
	return fmt.Errorf("definition: %s: Merge: byte %d: %s", c.account().d.Name, at, text)
}

// field returns the value of a merge field.
func (c *Connected) field(name string) (string, error) {
	var names []string
	for _, i := range c.account().d.inputs(c.account().m) {
		switch {
		case i.isCalled(name) && i.Secret:
			return "", fmt.Errorf("{{%s}} is a secret, and secrets are not merged", name)
		case i.isCalled(name):
			return c.account().value(i.Name), nil
		case !i.Secret:
			names = append(names, i.Name)
		}
	}
	return "", fmt.Errorf("%s is no input of method %s%s", shown(name), c.account().m.Name, hint(name, names))
}
