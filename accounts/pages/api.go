package pages

import (
	"encoding/json"
	"net/http"

	"github.com/connectorauth/connectorauth/accounts"
)

// writeJSON sends a response of the JSON API. Pages of other sites cannot read the response.
func (x *exchange) writeJSON(status int, v any) {
	header := x.w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Language", x.in.Tag)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	x.w.WriteHeader(status)
	_ = json.NewEncoder(x.w).Encode(v) // fails if the client has left
}

// servicesJSON serves GET /api/services.
func (x *exchange) servicesJSON() error {
	query := x.r.URL.Query()
	size, err := limit(query)
	if err != nil {
		return err
	}
	text, err := search(query)
	if err != nil {
		return err
	}
	found, more, err := x.search(text, size)
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusOK, struct {
		Services []service `json:"services"`
		More     bool      `json:"more"`
	}{append([]service{}, found...), more})
	return nil
}

// serviceJSON serves GET /api/services/{service}.
func (x *exchange) serviceJSON() error {
	f, err := x.newForm(x.r.PathValue("service"), x.r.URL.Query().Get("method"))
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusOK, f)
	return nil
}

// listJSON serves GET /api/accounts.
func (x *exchange) listJSON() error {
	page, next, err := x.list()
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusOK, struct {
		Accounts []account `json:"accounts"`
		Next     string    `json:"next,omitempty"`
	}{page, next})
	return nil
}

// connectJSON serves POST /api/accounts.
func (x *exchange) connectJSON() error {
	var s submission
	if err := x.json(&s); err != nil {
		return err
	}
	a, created, err := x.connect(s)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		x.connected(a)
	}
	x.writeJSON(status, x.view(x.r.Context(), a))
	return nil
}

// own returns the account of the path.
func (x *exchange) own() (accounts.Account, error) {
	return x.account(x.r.Context(), x.owner, x.r.PathValue("id"))
}

// accountJSON serves GET /api/accounts/{id}.
func (x *exchange) accountJSON() error {
	a, err := x.own()
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusOK, x.view(x.r.Context(), a))
	return nil
}

// formJSON serves GET /api/accounts/{id}/form.
func (x *exchange) formJSON() error {
	a, err := x.own()
	if err != nil {
		return err
	}
	f, err := x.editForm(a, x.r.URL.Query().Get("method"))
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusOK, f)
	return nil
}

// reconnectJSON serves POST /api/accounts/{id}/reconnect.
func (x *exchange) reconnectJSON() error {
	a, err := x.own()
	if err != nil {
		return err
	}
	var s submission
	if err := x.json(&s); err != nil {
		return err
	}
	if a, err = x.reconnect(a, s); err != nil {
		return err
	}
	x.connected(a)
	x.writeJSON(http.StatusOK, x.view(x.r.Context(), a))
	return nil
}

// testJSON serves POST /api/accounts/{id}/test. An account that does not work is no error
// of the request: the account says what is wrong.
func (x *exchange) testJSON() error {
	a, err := x.own()
	if err != nil {
		return err
	}
	var nothing struct{}
	if err := x.json(&nothing); err != nil {
		return err
	}
	if a, _, err = x.test(a); err != nil {
		return err
	}
	x.writeJSON(http.StatusOK, x.view(x.r.Context(), a))
	return nil
}

// disconnectJSON serves DELETE /api/accounts/{id}.
func (x *exchange) disconnectJSON() error {
	a, err := x.own()
	if err != nil {
		return err
	}
	revoked, ending, err := x.disconnect(a)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if ending {
		status = http.StatusAccepted
	}
	x.writeJSON(status, struct {
		Revoked bool `json:"revoked"`
	}{revoked})
	return nil
}
