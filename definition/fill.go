package definition

import (
	"slices"

	"github.com/connectorauth/connectorauth"
)

// text fills in a template.
func (b *builder) text(s string) string {
	t, ok := b.d.texts[s]
	if !ok {
		return s // which has no braces
	}
	text, err := b.filler.Fill(t, nil)
	b.mistakes.Join(err)
	return text
}

func (b *builder) secret(s string) connectorauth.Secret { return connectorauth.Secret(b.text(s)) }

// url fills in the template of a URL. An empty one stays empty.
func (b *builder) url(s string) string {
	if s == "" {
		return ""
	}
	u := b.read(s)
	if u == nil {
		return s
	}
	filled, err := u.fill(&b.filler)
	if err != nil {
		for _, i := range b.inputs {
			if slices.Contains(u.names, i.Name) {
				b.problem(i, InputUnusable, "cannot stand in a URL: "+err.Error())
			}
		}
	}
	return filled
}

// read returns a URL as Parse has read the template. Nil is a mistake of the program.
func (b *builder) read(s string) *urlTemplate {
	u := b.d.urls[s]
	if u == nil {
		b.mistakes.Add("%s: Parse has not read this URL; after a change of a Definition, Parse the result of its Document", shown(s))
	}
	return u
}

// lists fills in the templates of headers or parameters, and leaves out what is empty
// because of its values.
func (b *builder) lists(lists map[string][]string) map[string][]string {
	if lists == nil {
		return nil
	}
	filled := make(map[string][]string, len(lists))
	for name, list := range lists {
		for _, s := range list {
			if text := b.text(s); text != "" || s == "" {
				filled[name] = append(filled[name], text)
			}
		}
	}
	return filled
}

// client returns the registration that the definition names, or that of the program.
// needsSecret means that there are no public clients.
func (b *builder) client(id, secret string, needsSecret bool) Client {
	client := b.c.Client
	if id != "" {
		client = Client{ID: b.text(id), Secret: b.secret(secret)}
	} else if client.Secret == "" && needsSecret {
		b.mistakes.Add("Connection.Client: Secret is missing; the method takes no client without a secret")
		client.Secret = "missing"
	}
	if client.ID == "" {
		b.mistakes.Add("Connection.Client: ID is missing; register the program with the service, and give its client ID there")
		client.ID = "missing" // or the constructor would say the same again
	}
	return client
}
