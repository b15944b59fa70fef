package check

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// regions reports what is wrong with the Regions of d.
func regions(d *dialect.OAuth2) error {
	var l List
	r := d.Regions
	switch names := r.Callback != "" || r.Response != ""; {
	case !names && r.Origins == nil:
		return nil
	case !names:
		l.Add("Callback, Response: are empty; say where the provider names the region")
	case len(r.Origins) == 0:
		l.Add("Origins: is empty; list the origins that may get the credentials of an account")
	}
	if slices.Contains([]string{"state", "error", "error_description", "iss", cmp.Or(d.CodeName, "code")}, r.Callback) {
		l.Add("Callback: %s has another meaning in a callback", r.Callback)
	}
	for _, word := range slices.Sorted(maps.Keys(r.Origins)) {
		switch u, err := origin.Endpoint(r.Origins[word]); {
		case word == "" || strings.Contains(word, "://") || wire.HasControl(word):
			l.Add("Origins: a key is empty, a URL, or has a control character; use the provider's word for the region, or any word if the provider names its origin")
		case err != nil && strings.Contains(r.Origins[word], "://"):
			l.Field("Origins: "+word, err)
		case err != nil || strings.Contains(u.Host, "*") || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery:
			l.Add("Origins: %s: want an origin such as https://accounts.example.eu, without a wildcard; path and query are those of TokenURL", word)
		}
	}
	return l.Joined()
}
