package importer

import (
	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// Question makes a question with choices.
func Question(id, text string, choices ...definition.Choice) definition.Question {
	return definition.Question{ID: id, Finding: definition.Finding{Text: text}, Choices: choices}
}

// OpenQuestion makes a question to which any text is an answer, beside the choices.
func OpenQuestion(id, text string, choices ...definition.Choice) definition.Question {
	q := Question(id, text, choices...)
	q.Other = true
	return q
}

// No is the answer that leaves something out.
var No = definition.Choice{Value: "no", Title: "leave out"}

// ClientAuth is the question how clients authenticate at the token URL.
func ClientAuth(name string) definition.Question {
	return Question("clientAuth:"+name, "does not say how a client authenticates at the token URL; how?",
		definition.Choice{Value: string(connectorauth.ClientSecretBasic), Title: "HTTP Basic"},
		definition.Choice{Value: string(connectorauth.ClientSecretPost), Title: "client_id and client_secret in the body"},
		definition.Choice{Value: string(connectorauth.ClientAuthNone), Title: "a public client, without a secret"})
}
