package check

import (
	"html/template"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/catalog/internal/replay"
	"github.com/connectorauth/connectorauth/definition"
)

// formPage is a plain form of the fields.
var formPage = template.Must(template.New("form").Parse(`<form method="post">
{{- range .}}
<label for="{{.Name}}">{{.Title}}</label>
{{- if .Enum}}
<select id="{{.Name}}" name="{{.Name}}">{{$value := .Value}}{{range .Enum}}<option value="{{.Value}}"{{if eq .Value $value}} selected{{end}}>{{or .Title .Value}}</option>{{end}}</select>
{{- else}}
{{.Prefix}}<input id="{{.Name}}" name="{{.Name}}" type="{{if .Secret}}password{{else}}text{{end}}" value="{{.Value}}" placeholder="{{.Example}}"{{if .Required}} required{{end}}>{{.Suffix}}
{{- end}}
<p>{{.Help}}</p>
{{- end}}
</form>
`))

// samples returns a value of each input of a method, hidden inputs included.
func samples(d *definition.Definition, method string) map[string]connectorauth.Secret {
	values := map[string]connectorauth.Secret{}
	inputs := d.Inputs
	for i := range d.Methods {
		if d.Methods[i].Name == method {
			inputs = append(inputs[:len(inputs):len(inputs)], d.Methods[i].Inputs...)
		}
	}
	for _, in := range inputs {
		values[in.Name] = connectorauth.Secret(sample(in))
	}
	return values
}

// sample returns a value of an input.
func sample(in definition.Input) string {
	switch {
	case in.Name == "clientId":
		return replay.ClientID
	case in.Name == "clientSecret":
		return replay.ClientSecret
	case len(in.Enum) > 0:
		return in.Enum[0].Value
	case in.Example != "" && !in.Secret:
		return in.Example
	case in.Default != "":
		return in.Default
	}
	switch in.Format {
	case definition.FormatLabel:
		return "example"
	case definition.FormatHost, definition.FormatOrigin, definition.FormatURL:
		host := "www.example.com"
		if len(in.Suffixes) > 0 {
			host = "www" + in.Suffixes[0]
		}
		if in.Format != definition.FormatHost {
			return "https://" + host
		}
		return host
	case definition.FormatUUID:
		return "123e4567-e89b-12d3-a456-426614174000"
	case definition.FormatEmail:
		return "owner@example.com"
	case definition.FormatInteger:
		return "12345"
	}
	return "sample-of-" + strings.ToLower(in.Name)
}
