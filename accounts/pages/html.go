package pages

import (
	"errors"
	"net/http"
	"slices"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/internal/look"
)

// shown is how many services a page of the search shows.
const shown = 60

// listPage shows the accounts of the owner.
func (x *exchange) listPage() error {
	list, next, err := x.list()
	if err != nil {
		return err
	}
	query := x.r.URL.Query()
	p := x.newPage("list", x.in.text("accounts"))
	p.Accounts, p.Filtered = list, query.Get("status") != "" || query.Get("service") != "" || query.Get("after") != ""
	if next != "" {
		p.Next = x.link("", "after", next, "status", query.Get("status"), "service", query.Get("service"), "limit", query.Get("limit"))
	}
	switch did := query.Get("did"); did {
	case "disconnected", "revoked", "kept", "ending":
		p.Good = p.T("did." + did)
	}
	return p.send(http.StatusOK)
}

// connectPage shows the form of a service, or the search for one.
func (x *exchange) connectPage() error {
	query := x.r.URL.Query()
	if query.Get("service") == "" {
		text, err := search(query)
		if err != nil {
			return err
		}
		p := x.newPage("search", x.in.text("connect"))
		p.Text = text
		if p.Services, p.More, err = x.search(text, shown); err != nil {
			return err
		}
		return p.send(http.StatusOK)
	}
	f, err := x.newForm(query.Get("service"), query.Get("method"))
	if err != nil {
		return err
	}
	return x.formPage("connect", f, nil).send(http.StatusOK)
}

// formPage shows a form. edited is the account that is connected again, or nil.
func (x *exchange) formPage(action string, f form, edited *account) *page {
	title := x.in.text("connect.to", "service", f.Service.Title)
	if edited != nil {
		title = x.in.text("reconnect", "service", f.Service.Title)
	}
	p := x.newPage("form", title)
	p.Form, p.Action, p.Account = &f, action, edited
	return p
}

// connectForm connects an account.
func (x *exchange) connectForm() error {
	values, err := x.form()
	if err != nil {
		return err
	}
	s := submitted(values)
	a, created, err := x.connect(s)
	if err != nil {
		f, formErr := x.newForm(s.Service, s.Method)
		if formErr != nil {
			return formErr
		}
		if isKey(s.Key) {
			f.Key = s.Key
		}
		return x.again(x.formPage("connect", f, nil), s, err)
	}
	did := "again"
	if created {
		x.connected(a)
		did = "connected"
	}
	x.goOn(a, did)
	return nil
}

// again shows a form again, with what is wrong and with what was given, but for secrets.
func (x *exchange) again(p *page, s submission, err error) error {
	failed := x.explain(err)
	if failed.internal {
		x.config.Failed(x.r, err)
	}
	p.Bad, p.Errors, p.Other, p.Twice = failed.Message, failed.Fields, errors.Is(err, accounts.ErrOtherIdentity), failed.Account
	for i := range p.Form.Fields {
		field := &p.Form.Fields[i]
		field.Error = failed.Fields[field.Name]
		if value, given := s.Values[field.Name]; given && !field.Secret {
			field.show(value)
		}
	}
	for i := range p.Form.Scopes {
		if s.Scopes != nil {
			p.Form.Scopes[i].Chosen = slices.Contains(s.Scopes, p.Form.Scopes[i].Name)
		}
	}
	return p.send(failed.status)
}

// goOn leads the browser to the page of an account. did says what was done.
func (x *exchange) goOn(a accounts.Account, did string) {
	if x.waits(x.r.Context(), a) {
		did = "consent"
	}
	look.SeeOther(x.w, x.home+x.link("account", "id", a.ID, "did", did))
}

// accountPage shows one account. did in the query says what was done before.
func (x *exchange) accountPage() error {
	query := x.r.URL.Query()
	a, err := x.account(x.r.Context(), x.owner, query.Get("id"))
	if err != nil {
		return err
	}
	v := x.view(x.r.Context(), a)
	p := x.newPage("account", v.Title)
	p.Account = &v
	works := a.Status == accounts.StatusOK
	connected := works && v.Consent == "" // a consent that was denied waits on
	switch did := query.Get("did"); {
	case did == "consent" && x.sentHere():
		p.next = v.Consent
	case did == "connected" && connected:
		p.Good, p.Connect = p.T("did.connected"), true
		if v.Label != "" {
			p.Good = p.T("did.connected.as", "label", v.Label)
		}
	case did == "again" && connected:
		p.Good = p.T("did.again")
	case did == "tested" && works:
		p.Good = p.T("did.tested")
	case did == "tested":
		p.Bad = p.T("did.failed")
	}
	if p.Popup() && p.Connect {
		p.outcome = look.Outcome{Word: look.Connected, Account: a.ID}
	}
	return p.send(http.StatusOK)
}

// sentHere reports whether no other site has led the browser to the page. A consent that begins
// by itself after a link of another site could connect an account of somebody else.
func (x *exchange) sentHere() bool {
	switch x.r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin": // browsers of before do not say
		return true
	}
	return false
}

// of returns the account that a form names.
func (x *exchange) of() (accounts.Account, error) {
	values, err := x.form()
	if err != nil {
		return accounts.Account{}, err
	}
	return x.account(x.r.Context(), x.owner, values.Get("id"))
}

// testForm tests an account.
func (x *exchange) testForm() error {
	a, err := x.of()
	if err != nil {
		return err
	}
	if a, _, err = x.test(a); err != nil {
		return err
	}
	look.SeeOther(x.w, x.home+x.link("account", "id", a.ID, "did", "tested"))
	return nil
}

// reconnectPage shows the form to connect an account again.
func (x *exchange) reconnectPage() error {
	query := x.r.URL.Query()
	a, err := x.account(x.r.Context(), x.owner, query.Get("id"))
	if err != nil {
		return err
	}
	f, err := x.editForm(a, query.Get("method"))
	if err != nil {
		return err
	}
	v := x.view(x.r.Context(), a)
	return x.formPage("reconnect", f, &v).send(http.StatusOK)
}

// reconnectForm connects an account again.
func (x *exchange) reconnectForm() error {
	values, err := x.form()
	if err != nil {
		return err
	}
	a, err := x.account(x.r.Context(), x.owner, values.Get("id"))
	if err != nil {
		return err
	}
	s := submitted(values)
	done, err := x.reconnect(a, s)
	if err != nil {
		f, formErr := x.editForm(a, s.Method)
		if formErr != nil {
			return formErr
		}
		v := x.view(x.r.Context(), a)
		return x.again(x.formPage("reconnect", f, &v), s, err)
	}
	x.connected(done)
	x.goOn(done, "connected")
	return nil
}

// disconnectPage asks whether an account is to be disconnected.
func (x *exchange) disconnectPage() error {
	a, err := x.account(x.r.Context(), x.owner, x.r.URL.Query().Get("id"))
	if err != nil {
		return err
	}
	v := x.view(x.r.Context(), a)
	p := x.newPage("disconnect", x.in.text("disconnect"))
	if a.Current == 0 {
		p.Wait, p.Title = true, x.in.text("remove")
	}
	p.Account = &v
	return p.send(http.StatusOK)
}

// disconnectForm disconnects an account.
func (x *exchange) disconnectForm() error {
	a, err := x.of()
	if err != nil {
		return err
	}
	revoked, ending, err := x.disconnect(a)
	if err != nil {
		return err
	}
	did := "kept"
	switch {
	case ending:
		did = "ending"
	case revoked:
		did = "revoked"
	case a.Current == 0:
		did = "disconnected"
	}
	look.SeeOther(x.w, x.home+x.link("", "did", did))
	return nil
}
