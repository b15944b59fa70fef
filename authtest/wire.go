package authtest

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// bodyOf returns the body of a request. The body can be read again afterwards.
func bodyOf(r *http.Request) []byte {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func writeForm(w http.ResponseWriter, status int, members map[string]any) {
	form := url.Values{}
	for name, value := range members {
		form.Set(name, fmt.Sprint(value))
	}
	w.Header().Set("Content-Type", formType)
	w.WriteHeader(status)
	io.WriteString(w, form.Encode())
}

// equal compares secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// repeated returns the name of a repeated parameter, or "". The parameter resource may be
// repeated (RFC 8707 section 2).
func repeated(values url.Values) string {
	for name, list := range values {
		if len(list) > 1 && name != "resource" {
			return name
		}
	}
	return ""
}
