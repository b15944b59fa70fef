package script_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
)

// Neighbouring IDs look alike in JavaScript. No script mixes them up without an error.
func TestNumbersThatLookAlikeAreNotMixedUp(t *testing.T) {
	const body = `{"items": [{"id": 7615917337495251231, "n": 1}, {"id": 7615917337495251232, "n": 2}], "ids": [7615917337495251231, 7615917337495251232]}`
	s := newServer(t, nil)
	for source, want := range map[string]string{
		`method_request.items[0].n`:                                                            body,
		`method_request = JSON.parse(JSON.stringify(method_request))`:                          body,
		`method_request.items.forEach(function(i) { i.n = 3 })`:                                strings.NewReplacer(`"n": 1`, `"n": 3`, `"n": 2`, `"n": 3`).Replace(body),
		`method_request.ids.push(5)`:                                                           strings.Replace(body, `232]`, `232,5]`, 1),
		`method_request.items.length = 0; method_request.ids.push(1)`:                          `{"items": [], "ids": [7615917337495251231, 7615917337495251232,1]}`,
		`method_request.items.shift()`:                                                         "",
		`method_request.items.reverse()`:                                                       "",
		`method_request.items.sort(function(a, b) { return b.n - a.n })`:                       "",
		`method_request.items = method_request.items.filter(function(i) { return i.n === 2 })`: "",
		`method_request.items = method_request.items.filter(function(i) { return i.n === 2 }).map(function(i) { return {id: i.id} })`: "",
		`method_request.ids.shift()`:                             "",
		`method_request.first = method_request.ids[0]`:           "",
		`method_request.items[0] = method_request.items[1]`:      "",
		`Map.prototype.get = null; method_request.items.shift()`: "",
	} {
		resp, err := client(t, apiKey(), "function before_action() { "+source+" }", script.Options{}).Post(s.URL, "application/json", strings.NewReader(body))
		if want == "" {
			assert.ErrorContains(t, err, "more digits than JavaScript keeps", source)
			continue
		}
		read(t, resp, err)
		assert.Equal(t, want, s.last(t).body, source)
	}
}

// A rounded number is refused wherever the number comes from and goes to.
func TestRoundedNumbersOfOtherPlacesAreRefused(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"a": 1}`) })
	for _, source := range []string{
		`method_response.id = action_data.id`, `method_response = {id: action_data.id}`, `method_response = [action_data.id]`,
		`method_response.text = 'order ' + action_data.id`, `method_response_headers['X-Id'] = action_data.id`, `method_response = 'id ' + action_data.id`,
	} {
		_, err := client(t, apiKey(), "function before_action() { action_data.id = method_request.id } function after_action() { "+source+" }", script.Options{}).
			Post(s.URL, "application/json", strings.NewReader(`{"id": 7615917337495251231}`))
		assert.ErrorContains(t, err, "more digits than JavaScript keeps", source)
	}
	for _, n := range []any{int64(7615917337495251231), uint64(1<<63 + 1), json.Number("0.12345678901234567891"), json.Number("1e400")} {
		_, err := script.Wrap(apiKey(), must(script.Compile("")), script.Options{Parameters: map[string]any{"n": n}})
		assert.ErrorContains(t, err, `"n": a number has more digits than JavaScript keeps`)
	}
	for _, n := range []any{1 << 53, int64(-5), uint64(1 << 40), json.Number("10.00")} {
		_, err := script.Wrap(apiKey(), must(script.Compile("")), script.Options{MergeFields: map[string]any{"n": n}})
		assert.NoError(t, err)
	}
}

// An ID that JavaScript cannot keep is an error when the program starts, not another
// account's ID in a request.
func TestParametersAreNotRounded(t *testing.T) {
	empty := must(script.Compile(""))
	for _, value := range []any{7615917337495251231, int64(-7615917337495251231), int64(1) << 60, uint64(1<<63 + 1)} {
		_, err := script.Wrap(apiKey(), empty, script.Options{MergeFields: map[string]any{"ids": []any{map[string]any{"account": value}}}})
		assert.ErrorContains(t, err, `script: Options: MergeFields: "ids": "account": a number has more digits than JavaScript keeps; give the number as a string`)
	}
	for _, value := range []any{1 << 53, -5, 1e300, 0.1, uint32(7)} {
		_, err := script.Wrap(apiKey(), empty, script.Options{Parameters: map[string]any{"n": value}})
		assert.NoError(t, err)
	}
}

// A number that moves keeps its digits, in each of the spellings that JavaScript has.
func TestMovedNumbersKeepTheirDigits(t *testing.T) {
	for _, number := range []string{
		"9007199254740993", "-7615917337495251231", "123456789012345678901", "1234567890123456789012.0", "0.0000012345678901234567891",
		"0.00000012345678901234567891", "1.23456789012345678901e-10", "-1.23456789012345678901E+30", "1.23456789012345678901e100",
	} {
		got := post(t, `function before_action() { method_request = {data: method_request} }`, "application/json", `{"n": `+number+`}`)
		assert.Equal(t, `{"data":{"n":`+number+`}}`, got.body)
	}
}

// A rounded number is no argument either: a signature or a base64 text would hide the
// number. The exact text of a body is one, also if the body has the rounded number too.
func TestRoundedNumbersAreNoArguments(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"next": 90071992547409931}`) })
	post := func(source string) error {
		resp, err := client(t, apiKey(), source, script.Options{}).Post(s.URL, "application/json", strings.NewReader(`[90071992547409921, 90071992547409920, {"id": 7615917337495251231}]`))
		if err == nil {
			read(t, resp, err)
		}
		return err
	}
	for _, source := range []string{
		`function before_action() { base64_encode(JSON.stringify(method_request)) }`,
		`function before_action() { sign('HMAC-SHA256', 'k', 'id=' + method_request[2].id) }`,
		`function before_action() { sha256(method_request[2].id) }`,
		`function after_action() { url_encode(method_response.next) }`,
	} {
		assert.ErrorContains(t, post(source), "line 1, column ", source)
		assert.ErrorContains(t, post(source), "TypeError: a number has more digits than JavaScript keeps", source)
	}
	assert.NoError(t, post(`function before_action() { if (method_request.length) sha256(method_request_content) }`))
	assert.NoError(t, post(`function before_action() { sha256('id=' + method_request.length) }`))
}

// A number of the request is not rounded on its way through action_data into the
// response.
func TestNumbersOfTheRequestAreNotRoundedInTheResponse(t *testing.T) {
	respond := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"a": 1}`) }
	const before = `function before_action() { action_data.id = method_request.id; method_request = {} } `
	for source, want := range map[string]string{
		`method_response.asked = action_data.id`:                "method_response: a number has more digits",
		`method_response = 'id ' + action_data.id`:              "method_response: a number has more digits",
		`method_response_headers['X-Id'] = action_data.id`:      "method_response_headers: a number has more digits",
		`method_response_headers['X-Id'] = md5(action_data.id)`: "TypeError: a number has more digits",
	} {
		s := newServer(t, respond)
		_, err := client(t, apiKey(), before+"function after_action() { "+source+" }", script.Options{}).
			Post(s.URL, "application/json", strings.NewReader(`{"id": 7615917337495251231}`))
		assert.ErrorContains(t, err, want, source)
	}
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"id": 7615917337495251231}`) })
	resp, err := client(t, apiKey(), before+"function after_action() { method_response.asked = action_data.id }", script.Options{}).
		Post(s.URL, "application/json", strings.NewReader(`{"id": 7615917337495251231}`))
	_, body := read(t, resp, err)
	assert.Equal(t, `{"id": 7615917337495251231,"asked":7615917337495251231}`, body)
}
