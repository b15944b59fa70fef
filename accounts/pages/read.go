package pages

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/look"
)

// maxBody is the maximum length of what a browser sends, in bytes.
const maxBody = 1 << 20

// valuePrefix is before the name of an input in the name of a field.
const valuePrefix = "v."

// A way is where a person comes from and goes back to.
type way struct {
	popup    string // the popup's ID from connect.js; empty without a popup
	returnTo string // a path on Config.Origin; empty if unknown
	language string // a tag; empty means that of the browser
}

// readWay reads a way. A mistake costs the way alone. The way back leads to no page where a
// consent begins at once: a link of another site would begin one by it.
func (h *Handler) readWay(query url.Values) (w way) {
	if popup := query.Get("popup"); look.IsPopup(popup) {
		w.popup = popup
	}
	if to := query.Get("return_to"); look.IsPath(to) && !h.begins(to) {
		w.returnTo = to
	}
	if tag, ok := look.Tag(query.Get("language")); ok {
		w.language = tag
	}
	return w
}

// begins reports whether a consent may begin at once at a path on Config.Origin, in any spelling.
func (h *Handler) begins(to string) bool {
	u, err := url.Parse(to)
	if err != nil || h.origin != h.home {
		return false
	}
	above, last := path.Split(strings.ToLower(path.Clean(u.Path)))
	return above == strings.ToLower(h.path)+"/" && (last == "start" || last == "account")
}

// body reads the body of a request of one content type. A page of another site cannot send
// JSON without asking first, and a form only where a browser says where the form is from.
func body(w http.ResponseWriter, r *http.Request, media string) (string, error) {
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != media {
		return "", &readError{http.StatusUnsupportedMediaType, "the Content-Type must be " + media}
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return "", &readError{http.StatusRequestEntityTooLarge, "the body is longer than 1 MiB"}
	case err != nil || !utf8.Valid(text):
		return "", &readError{http.StatusBadRequest, "the body was cut off, or is not UTF-8"}
	}
	return string(text), nil
}

// form reads a form, and the way in the form.
func (x *exchange) form() (url.Values, error) {
	text, err := body(x.w, x.r, "application/x-www-form-urlencoded")
	if err != nil {
		return nil, err
	}
	values, err := parseForm(text)
	if err != nil {
		return nil, err
	}
	x.way = x.readWay(values)
	x.in = x.languages[x.look.Choose(x.way.language, x.r)]
	return values, nil
}

// parseForm reads the text of a form, in which only scopes may be repeated.
func parseForm(text string) (url.Values, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, &readError{http.StatusBadRequest, "the form is malformed"}
	}
	for name, list := range values {
		for _, value := range append(list, name) {
			if !utf8.ValidString(value) {
				return nil, &readError{http.StatusBadRequest, "the form is not UTF-8"}
			}
		}
		if len(list) > 1 && name != "scope" {
			return nil, &readError{http.StatusBadRequest, "a field of the form is there twice"}
		}
	}
	return values, nil
}

// submitted returns the submission in a form.
func submitted(form url.Values) submission {
	s := submission{
		Key: form.Get("key"), Service: form.Get("service"), Method: form.Get("method"),
		Values: map[string]string{}, OtherIdentity: form.Get("other_identity") == "yes", Duplicate: form.Get("duplicate") == "yes",
	}
	for name := range form {
		if input, ok := strings.CutPrefix(name, valuePrefix); ok {
			s.Values[input] = form.Get(name)
		}
	}
	if form.Get("scopes") == "yes" { // the form has a choice of scopes, which may be none
		s.Scopes = append([]string{}, form["scope"]...)
	}
	return s
}

// json reads a JSON object.
func (x *exchange) json(into any) error {
	text, err := body(x.w, x.r, "application/json")
	if err != nil {
		return err
	}
	return parseJSON(text, into)
}

// parseJSON reads one JSON object without unknown members.
func parseJSON(text string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &kind):
			return &readError{http.StatusBadRequest, "the member " + strconv.Quote(short(kind.Field)) + " must be of another type"}
		case strings.Contains(err.Error(), "unknown field"): // whose text quotes the name alone
			return &readError{http.StatusBadRequest, short(strings.TrimPrefix(err.Error(), "json: "))}
		}
		return &readError{http.StatusBadRequest, "the body is not the JSON object that is wanted"}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return &readError{http.StatusBadRequest, "the body goes on behind the JSON object"}
	}
	return nil
}

// limit reads the query parameter limit: 1 to 200, or 50 without one.
func limit(query url.Values) (int, error) {
	text := query.Get("limit")
	if text == "" {
		return 50, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 200 {
		return 0, &readError{http.StatusBadRequest, "limit must be a number from 1 to 200"}
	}
	return n, nil
}

// search reads the query parameter q, the text of a search.
func search(query url.Values) (string, error) {
	text := query.Get("q")
	if utf8.RuneCountInString(text) > 200 { // as the field of the page
		return "", &readError{http.StatusBadRequest, "q is longer than 200 characters"}
	}
	return text, nil
}

// short returns the beginning of a name that a client has sent.
func short(name string) string {
	if letters := []rune(name); len(letters) > 100 {
		return string(letters[:99]) + "…"
	}
	return name
}
