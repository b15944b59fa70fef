package pages

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
)

// An account is an accounts.Account as the owner sees the account, and the JSON. The text for
// developers of accounts.Account is left out.
type account struct {
	ID          string                 `json:"id"`
	Service     string                 `json:"service"`
	Title       string                 `json:"title"` // of the service
	Method      string                 `json:"method,omitempty"`
	MethodTitle string                 `json:"methodTitle,omitempty"`
	Identity    string                 `json:"identity,omitempty"`
	Label       string                 `json:"label,omitempty"`
	Status      accounts.Status        `json:"status"`
	Reason      definition.CheckReason `json:"reason,omitempty"`
	StatusTitle string                 `json:"statusTitle"`
	Message     string                 `json:"message"`
	Since       time.Time              `json:"since"`
	Tested      time.Time              `json:"tested,omitzero"`
	ReauthBy    time.Time              `json:"reauthBy,omitzero"` // if a renewal does not help
	Granted     []string               `json:"granted,omitempty"` // titles of scopes
	Missing     []string               `json:"missing,omitempty"`
	Consent     string                 `json:"consent,omitempty"` // where the person consents, if the account waits for a consent
}

// view returns an account as the owner sees the account.
func (x *exchange) view(ctx context.Context, a accounts.Account) account {
	v := account{
		ID: a.ID, Service: a.Definition, Title: a.Definition, Method: a.Method, MethodTitle: a.Method, Identity: a.Identity, Label: a.Label,
		Status: a.Status, Reason: a.Reason, StatusTitle: x.in.text("status." + string(a.Status)), Message: x.statusText(a),
		Since: a.Since, Tested: a.Tested, Granted: a.Granted, Missing: a.Missing,
	}
	if a.Final {
		v.ReauthBy = a.ReauthBy
	}
	if d, err := x.definition(a.Definition); err == nil {
		v.Service, v.Title = d.Name, titleOf(d)
		if i := slices.IndexFunc(d.Methods, func(m definition.Method) bool { return m.Name == a.Method || slices.Contains(m.Was, a.Method) }); i >= 0 {
			m := &d.Methods[i]
			v.MethodTitle = cmp.Or(m.Title, m.Name)
			v.Granted, v.Missing = scopeTitles(m, a.Granted), scopeTitles(m, a.Missing)
		}
	}
	switch {
	case x.waits(ctx, a):
		v.Consent = x.startURL(a.ID)
		if a.Status != accounts.StatusConnecting {
			v.Message = x.in.text("status.pending.text")
		}
	case a.Status == accounts.StatusConnecting:
		v.Message = x.in.text("status.testing.text")
	}
	return v
}

// statusText says what a status means, and what to do.
func (x *exchange) statusText(a accounts.Account) string {
	word := "status." + string(a.Status)
	if x.in.has(word + "." + string(a.Reason)) {
		return x.in.text(word + "." + string(a.Reason))
	}
	return x.in.text(word + ".text")
}

// list returns a page of the owner's accounts. next is the cursor of the next page, or
// empty.
func (x *exchange) list() (page []account, next string, err error) {
	query := x.r.URL.Query()
	size, err := limit(query)
	if err != nil {
		return nil, "", err
	}
	filter := accounts.Filter{Owner: x.owner, Status: accounts.Status(query.Get("status"))}
	if filter.Status != "" && !x.in.has("status."+string(filter.Status)) {
		return nil, "", &readError{400, "status is none of connecting, ok, failing, reauth_required and disconnected"}
	}
	if name := query.Get("service"); name != "" {
		d, err := x.definition(name)
		if err != nil {
			return nil, "", err
		}
		filter.Definitions = []string{d.Name}
	}
	after := query.Get("after")
	if after != "" && !isID(after) {
		return nil, "", &readError{400, "after is not the next of a page"}
	}
	found, err := x.config.Registry.List(x.r.Context(), filter, after, size+1)
	if err != nil {
		return nil, "", err
	}
	if len(found) > size {
		found = found[:size]
		next = found[size-1].ID
	}
	page = make([]account, len(found))
	for i, a := range found {
		page[i] = x.view(x.r.Context(), a)
	}
	return page, next, nil
}
