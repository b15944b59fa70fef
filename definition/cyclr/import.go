package cyclr

import (
	"cmp"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/importer"
	"github.com/connectorauth/connectorauth/internal/lazy"
)

// Options say what a connector leaves open.
type Options struct {
	// Answers are the answers to questions, by the ID of the question. Empty means none.
	Answers map[string]string
	// Name is the name of the definition. Empty means a name made of that of the connector.
	Name string
}

// A Draft is what becomes of a connector.
type Draft struct {
	definition.Draft
	// Clients are the clients of the connector, by the name of the method. Empty means that
	// the connector has none. A definition has no such secrets: see
	// definition.Connection.Client.
	Clients map[string]definition.Client
}

// Import makes a draft of a connector. The name of the file is for the error and for
// questions. A text that is no connector is a *definition.Error. An answer that is none
// of the choices is an error.
func Import(file string, document []byte, options Options) (*Draft, error) {
	d, err := importer.New(file, document, nil, options.Answers)
	if err != nil {
		return nil, err
	}
	i := &imported{
		Draft: d, root: d.Root(), def: &definition.Definition{Version: 1}, fields: map[string]string{}, inputs: map[string]bool{},
		names: map[string]bool{}, clients: map[string]definition.Client{},
	}
	list := i.root.Get("Authentication").Elements()
	if len(list) == 0 && i.root.Get("AuthType").Exists() {
		list = []importer.Value{i.root}
	}
	if len(list) == 0 {
		return nil, i.Refuse(i.root, `is no connector of Cyclr: look for the members "AuthType" and "Authentication"`)
	}
	i.about(options.Name)
	i.parameters()
	i.base()
	i.script()
	for n, v := range list {
		if n == maxMethods {
			i.Note(v, "is left out, and so are all further authentications: there are too many")
			break
		}
		i.method(v)
	}
	draft, err := i.Done(i.def)
	if err != nil {
		return nil, err
	}
	return &Draft{Draft: *draft, Clients: i.clients}, nil
}

// maxMethods is how many authentications are read, maxParameters how many parameters, and
// maxFields how many merge fields of a URL, or fields of an authentication, and maxValues
// how many values of a parameter.
const maxMethods, maxParameters, maxFields, maxValues = 50, 40, 20, 1000

// imported is a connector on its way to a definition.
type imported struct {
	*importer.Draft
	root    importer.Value
	def     *definition.Definition
	fields  map[string]string // the inputs of merge fields, by the name of the field in lower case
	inputs  map[string]bool   // names that are taken
	names   map[string]bool   // of methods
	clients map[string]definition.Client
	bearer  bool // the script makes a bearer token of a key
	drop    bool // the script authenticates by itself
}

func (i *imported) about(name string) {
	i.Name(i.def, i.root.Get("Name"), name)
	if i.root.Get("Description").Text() != "" {
		i.Note(i.root.Get("Description"), "is left out: a definition has no description")
	}
}

// parameters makes inputs of the properties of accounts and partners.
func (i *imported) parameters() {
	for n, v := range i.root.Get("Parameters").Elements() {
		name, target := v.Get("TargetName").Text(), v.Get("TargetType").Text()
		account, partner := v.Get("IsAccountConnectorProperty").True(), v.Get("IsPartnerConnectorProperty").True()
		switch {
		case n == maxParameters:
			i.Note(v, "is left out, and so are all further parameters: there are too many")
			return
		case name == "":
			i.Note(v.Get("TargetName"), "is missing")
			continue
		case !account && !partner:
			i.Note(v, "is left out: %s is asked for in each step, and not once for an account", importer.Short(name))
			continue
		}
		input := definition.Input{
			Name: importer.Unique(i.inputs, importer.InputName(name, "parameter"), "_"), Title: importer.Line(cmp.Or(v.Get("Name").Text(), v.Get("DisplayName").Text())),
			Help: importer.Line(v.Get("Description").Text()), Secret: v.Get("IsSensitive").True(), Optional: v.Get("IsOptional").True(), Hidden: partner && !account,
		}
		for n, value := range v.Get("Values").Elements() {
			if n == maxValues {
				i.Note(value, "is left out, and so are all further values: there are too many")
				break
			}
			if text := value.Scalar(); text != "" && !slices.ContainsFunc(input.Enum, func(c definition.Choice) bool { return c.Value == text }) {
				input.Enum = append(input.Enum, definition.Choice{Value: text})
			}
		}
		switch kind := v.Get("DataType").Text(); {
		case kind == "Integer":
			input.Format = definition.FormatInteger
		case kind != "" && kind != "Text":
			i.Note(v.Get("DataType"), "is left out: the input takes any text")
		}
		if trigger := v.Get("TriggerName"); trigger.Text() != "" && trigger.Text() != "null" {
			i.Note(trigger, "is left out: a definition has no values from a request")
		}
		i.def.Inputs = append(i.def.Inputs, input)
		i.fields[strings.ToLower(name)] = input.Name
		i.target(v, target, name, input.Name)
		if err := importer.TryPart(i.def, nil, ""); err != nil {
			i.Note(v, "is left out: %v", err)
			i.def.Inputs = i.def.Inputs[:len(i.def.Inputs)-1]
			delete(i.fields, strings.ToLower(name))
			delete(i.def.Headers, name)
			delete(i.def.Params, name)
		}
	}
}

// target puts a parameter where it goes.
func (i *imported) target(v importer.Value, target, name, input string) {
	place := &i.def.Headers
	switch target {
	case httpHeader:
	case queryString:
		place = &i.def.Params
	case mergeField:
		return
	default:
		i.Note(v.Get("TargetType"), "is left out: the input is for merge fields")
		return
	}
	if *place == nil {
		*place = map[string]string{}
	}
	(*place)[name] = "{" + input + "}"
}

// base sets the base URL.
func (i *imported) base() {
	at := i.root.Get("BaseUrl")
	question := importer.OpenQuestion("baseUrl", "is missing; what is the URL of the API, such as https://{{Subdomain}}.example.com/api?")
	text := at.Text()
	if text == "" {
		text, _ = i.Ask(at, question)
	}
	if text == "" {
		return
	}
	base, inputs, ok := i.url(at, strings.TrimRight(strings.TrimSpace(text), "/"), nil)
	if i.def.Inputs = append(i.def.Inputs, inputs...); !ok {
		return
	}
	if err := importer.TryPart(i.def, nil, base); err != nil {
		question.Text = "cannot be a base URL (" + err.Error() + "); what is the URL of the API, with merge fields such as {{Subdomain}}?"
		i.Reopen(at, question)
		return
	}
	i.def.BaseURL = base
}

// field matches a merge field.
var field = lazy.Regexp(`\{\{\s*([^{}]*?)\s*\}\}`)

// url makes a template of a URL, and inputs of merge fields that no parameter declares.
// ok is false where a question is open.
func (i *imported) url(at importer.Value, text string, own []definition.Input) (template string, inputs []definition.Input, ok bool) {
	ok = true
	rest := text
	if strings.Count(text, "{{") > maxFields {
		i.Note(at, "has more than %d merge fields, which are no fields here", maxFields)
		return importer.Literal(text), nil, true
	}
	for found := field().FindStringSubmatchIndex(rest); found != nil; found = field().FindStringSubmatchIndex(rest) {
		name := rest[found[2]:found[3]]
		before := template + importer.Literal(rest[:found[0]])
		rest = rest[found[1]:]
		known := i.fields[strings.ToLower(name)]
		if known == "" {
			inputs = append(inputs, definition.Input{Name: importer.Unique(i.inputs, importer.InputName(name, "field"), "_"), Title: importer.Line(name)})
			known = inputs[len(inputs)-1].Name
			i.fields[strings.ToLower(name)] = known
		}
		if !i.inHost(at, before, rest, name, i.find(inputs, own, known)) {
			ok = false
		}
		template = before + "{" + known + "}"
	}
	return template + importer.Literal(rest), inputs, ok
}

// find returns an input of the connector, or one of lists.
func (i *imported) find(inputs, own []definition.Input, name string) *definition.Input {
	for _, list := range [][]definition.Input{i.def.Inputs, inputs, own} {
		for n := range list {
			if list[n].Name == name {
				return &list[n]
			}
		}
	}
	return nil
}

// inHost gives an input that stands in a host the format of its place. false means that a
// question is open.
func (i *imported) inHost(at importer.Value, before, after, name string, input *definition.Input) bool {
	_, host, found := strings.Cut(before, "://")
	isOrigin := before == ""
	if input == nil || len(input.Enum) > 0 || len(input.Suffixes) > 0 || input.AnyHost || !isOrigin && (!found || strings.ContainsAny(host, "/?#")) {
		return true
	}
	if after != "" && !strings.ContainsAny(after[:1], ":/?#") {
		input.Format = definition.FormatLabel
		return true
	}
	answer, ok := i.Ask(at, importer.WhichHosts(name))
	if !ok {
		return false
	}
	if importer.LimitHost(input, answer); isOrigin && len(input.Enum) == 0 {
		input.Format = definition.FormatOrigin
	}
	return true
}

// script asks what the script of the connector does.
func (i *imported) script() {
	at := i.root.Get("Script")
	if strings.TrimSpace(at.Text()) == "" {
		return
	}
	answer, ok := i.Ask(at, importer.Question("script", "runs for each request, and a definition has no scripts; what does the script do to authenticate?",
		definition.Choice{Value: "nothing", Title: "nothing; the program runs the script with package script, or without"},
		definition.Choice{Value: "bearer", Title: "sends the API key as a bearer token"},
		definition.Choice{Value: "all", Title: "all of it; the program runs the script with package script"}))
	if !ok {
		return
	}
	i.Note(at, "is left out: package script runs scripts")
	i.bearer, i.drop = answer == "bearer", answer == "all"
}

// client takes a literal client, or returns templates of one that accounts bring.
func (i *imported) client(v importer.Value, method string) (id, secret string) {
	literal := definition.Client{ID: v.Get("ClientId").Text(), Secret: connectorauth.Secret(v.Get("ClientSecret").Text())}
	if literal.ID != "" && !field().MatchString(literal.ID) {
		i.clients[method] = literal
		return "", ""
	}
	if literal.ID != "" { // merge fields, which parameters need not declare
		i.declare("ClientId", false)
		if literal.Secret != "" {
			i.declare("ClientSecret", true)
		}
	}
	if id = i.fields["clientid"]; id == "" {
		return "", ""
	}
	if secret = i.fields["clientsecret"]; secret != "" {
		secret = "{" + secret + "}"
	}
	return "{" + id + "}", secret
}

// declare makes an input of a merge field that no parameter declares.
func (i *imported) declare(name string, secret bool) {
	if key := strings.ToLower(name); i.fields[key] == "" {
		i.fields[key] = importer.Unique(i.inputs, name, "_")
		i.def.Inputs = append(i.def.Inputs, definition.Input{Name: i.fields[key], Title: name, Secret: secret})
	}
}
