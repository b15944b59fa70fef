package pages

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
)

// A submission is what a person gives to connect an account, or to connect an account again.
type submission struct {
	Key     string            `json:"key"` // from the form; makes a second submission the same as the first
	Service string            `json:"service"`
	Method  string            `json:"method"`
	Values  map[string]string `json:"values"`
	// Scopes are the chosen scopes. Nil means no choice.
	Scopes        []string `json:"scopes"`
	OtherIdentity bool     `json:"otherIdentity"`
	Duplicate     bool     `json:"duplicate"`
}

// account returns an account of the owner. Any other account is ErrNotFound.
func (h *Handler) account(ctx context.Context, owner, id string) (accounts.Account, error) {
	if !isID(id) {
		return accounts.Account{}, accounts.ErrNotFound
	}
	a, err := h.config.Registry.Get(ctx, id)
	if err == nil && a.Owner != owner {
		return accounts.Account{}, accounts.ErrNotFound
	}
	return a, err
}

// patience is how long a submission waits for an equal submission under way.
const patience = 40 * time.Second

// connect connects an account. A submission with the Key of an earlier submission of the owner
// makes no second account: created is false then, whatever else has changed meanwhile.
func (x *exchange) connect(s submission) (a accounts.Account, created bool, err error) {
	ctx := x.r.Context()
	d, err := x.definition(s.Service)
	if err != nil {
		return a, false, err
	}
	if s.Key == "" {
		s.Key = accounts.NewID()
	}
	if !isKey(s.Key) {
		return a, false, errKey
	}
	id := idOf(x.owner, s.Key)
	for began := time.Now(); ; {
		a, err = x.account(ctx, x.owner, id)
		if errors.Is(err, accounts.ErrNotFound) {
			a, err = x.connectNew(id, d, s)
			if !errors.Is(err, accounts.ErrExists) {
				return a, err == nil, err
			}
		}
		switch {
		case err == nil && !x.isOf(a, d):
			return accounts.Account{}, false, errUsed
		case err == nil && a.Status != accounts.StatusConnecting:
			return a, false, nil
		case err == nil && x.waits(ctx, a):
			a, err = x.reconnect(a, s)
			return a, false, err
		case err != nil && !errors.Is(err, accounts.ErrExists):
			return a, false, err
		case time.Since(began) > patience:
			return a, false, accounts.ErrConnecting
		}
		select { // the equal submission is still being tested
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return a, false, ctx.Err()
		}
	}
}

// connectNew connects an account that is not there, or is accounts.ErrExists.
func (x *exchange) connectNew(id string, d *definition.Definition, s submission) (accounts.Account, error) {
	if s.Method == "" {
		m, _, err := x.choose(d, x.newAccount(d), "", "")
		if err != nil {
			return accounts.Account{}, err
		}
		s.Method = m.Name
	}
	x.method = s.Method
	values, err := given(d, s)
	if err != nil {
		return accounts.Account{}, err
	}
	return x.registry.Connect(x.r.Context(), accounts.Request{
		ID: id, Owner: x.owner, Definition: d.Name, Method: s.Method, Values: values, Scopes: s.Scopes, Duplicate: s.Duplicate,
	})
}

// isOf reports whether an account is at a service.
func (h *Handler) isOf(a accounts.Account, d *definition.Definition) bool {
	now, err := h.definition(a.Definition)
	return err == nil && now.Name == d.Name
}

// reconnect connects an account of the owner again.
func (x *exchange) reconnect(a accounts.Account, s submission) (accounts.Account, error) {
	d, err := x.definition(a.Definition)
	if err != nil {
		return a, err
	}
	if s.Method == "" {
		s.Method = a.Method
	}
	x.method = s.Method
	values, err := given(d, s)
	if err != nil {
		return a, err
	}
	q := accounts.Request{Owner: x.owner, Method: s.Method, Values: values, Scopes: s.Scopes, OtherIdentity: s.OtherIdentity, Duplicate: s.Duplicate}
	var done accounts.Account
	for range 3 { // an equal submission of a second click may have been faster
		done, err = x.registry.Reconnect(x.r.Context(), a.ID, q)
		if !errors.Is(err, accounts.ErrSuperseded) {
			break
		}
	}
	return done, err
}

// connected tells the program that an account was connected, unless a consent is still
// necessary.
func (x *exchange) connected(a accounts.Account) {
	if x.config.Done != nil && a.Status == accounts.StatusOK && a.Pending == 0 {
		x.config.Done(x.r.WithContext(context.WithoutCancel(x.r.Context())), a)
	}
}

// waits reports whether the account waits for a consent of its owner.
func (h *Handler) waits(ctx context.Context, a accounts.Account) bool {
	if a.Pending == 0 {
		return false
	}
	_, err := h.config.Registry.Flow(ctx, a.ID)
	return err == nil
}

// definition returns the newest definition of a service, or errService.
func (h *Handler) definition(name string) (*definition.Definition, error) {
	list := h.config.Registry.Definitions().Revisions(name)
	if len(list) == 0 {
		return nil, errService
	}
	return list[0], nil
}

// search returns the services that the program can connect and whose title or name has all words
// of a text: at most limit services, those first whose title begins with the text.
func (x *exchange) search(text string, limit int) (found []service, more bool, err error) {
	words := strings.Fields(strings.ToLower(text))
	text = strings.Join(words, " ")
	var first, others []*definition.Definition
	for _, d := range x.config.Registry.Definitions().Definitions() {
		title := strings.ToLower(titleOf(d))
		if slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(title, word) && !strings.Contains(d.Name, word) }) {
			continue
		}
		if strings.HasPrefix(title, text) {
			first = append(first, d)
			continue
		}
		others = append(others, d)
	}
	for _, d := range append(first, others...) {
		methods := x.offered(d)
		if ended := x.r.Context().Err(); ended != nil {
			return nil, false, ended
		}
		if len(methods) == 0 {
			continue
		}
		if more = len(found) == limit; more {
			break
		}
		found = append(found, serviceOf(d, methods))
	}
	if len(x.faults) > 0 {
		x.config.Failed(x.r, x.faults[0])
	}
	return found, more, nil
}

// given returns the values of a submission. A value for which the form does not ask, such as
// that of a hidden input, is an error: the program gives such values. So is a scope that is no
// choice of the form.
func given(d *definition.Definition, s submission) (map[string]connectorauth.Secret, error) {
	m := methodOf(d, s.Method)
	if m == nil {
		return nil, errMethod
	}
	fields, err := d.Form(m.Name, nil)
	if err != nil {
		return nil, errMethod
	}
	choice := map[string]bool{}
	for _, c := range scopesOf(m, nil) {
		choice[c.Name] = true
	}
	for _, name := range s.Scopes {
		if !choice[name] {
			return nil, errScope
		}
		delete(choice, name) // once
	}
	values := map[string]connectorauth.Secret{}
	for name, value := range s.Values {
		i := slices.IndexFunc(fields, func(f definition.Field) bool { return f.Name == name })
		if i < 0 {
			return nil, &fieldError{name}
		}
		if fields[i].Format == definition.FormatKey {
			value = strings.ReplaceAll(value, "\r\n", "\n") // browsers send line breaks so
		}
		values[name] = connectorauth.Secret(value)
	}
	return values, nil
}

// newForm returns the form for a new account.
func (x *exchange) newForm(service, method string) (form, error) {
	d, err := x.definition(service)
	if err != nil {
		return form{}, err
	}
	m, offered, err := x.choose(d, x.newAccount(d), method, "")
	if err != nil {
		return form{}, err
	}
	f, err := formOf(d, m, offered, definition.Account{})
	f.Key = accounts.NewID()
	return f, err
}

// editForm returns the form to connect an account of the owner again. An empty method means
// that of the account, if the program is ready; another method has none of the account's values.
func (x *exchange) editForm(a accounts.Account, method string) (form, error) {
	d, err := x.definition(a.Definition)
	if err != nil {
		return form{}, err
	}
	stored, err := x.config.Registry.Given(x.r.Context(), a.ID)
	if err != nil {
		return form{}, err
	}
	m, offered, err := x.choose(d, a, method, stored.Method)
	if err != nil {
		return form{}, err
	}
	if m != methodOf(d, stored.Method) {
		stored = definition.Account{}
	}
	return formOf(d, m, offered, stored)
}

// test tests an account of the owner. An account that does not work is no error: works is
// false then. A token URL that asks for a pause is an error: the account was not tested.
func (x *exchange) test(a accounts.Account) (now accounts.Account, works bool, err error) {
	now, err = x.registry.Test(x.r.Context(), a.ID)
	if err == nil {
		if now.Current != a.Current { // the test has put a consent to use
			x.connected(now)
		}
		return now, true, nil
	}
	var check *definition.CheckError
	var token *connectorauth.TokenError
	found := errors.As(err, &check) || errors.As(err, &token) || errors.Is(err, accounts.ErrOtherIdentity) || errors.Is(err, connectorauth.ErrReauthRequired)
	if found && !errors.Is(err, accounts.ErrConnecting) && now.Status != accounts.StatusOK { // or else the test could not be made
		return now, false, nil
	}
	return a, false, err
}

// disconnect disconnects an account of the owner. ending reports that the account is no longer
// used, and that Sweep does the rest.
func (x *exchange) disconnect(a accounts.Account) (revoked, ending bool, err error) {
	revoked, err = x.registry.Disconnect(x.r.Context(), a.ID)
	if err == nil {
		return revoked, false, nil
	}
	now, gone := x.account(x.r.Context(), x.owner, a.ID)
	if gone != nil || now.Status != accounts.StatusDisconnected {
		return false, false, err
	}
	x.config.Failed(x.r, err)
	return false, true, nil
}
