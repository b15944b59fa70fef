package inject_test

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/inject"
)

func TestNewFieldsRefusesWhatCannotBeSent(t *testing.T) {
	text := func(keys ...string) (fields []inject.Field) {
		for _, key := range keys {
			fields = append(fields, inject.Field{Key: key, Value: "SECRET"})
		}
		return fields
	}
	of := func(kind inject.Kind, value string) []inject.Field {
		return []inject.Field{{Key: "k", Value: value, Kind: kind}}
	}
	for _, test := range []struct {
		fields []inject.Field
		format inject.Format
		want   string
	}{
		{nil, inject.Auto, "no fields"},
		{text("k"), -1, "unknown body format"},
		{text("k"), inject.XML + 1, "unknown body format"},
		{text(""), inject.Form, `field "": empty key`},
		{text("a\nb"), inject.Multipart, `field "a\nb": the key has control characters`},
		{text("a\x7f"), inject.Form, "the key has control characters"},
		{text("a\xff"), inject.Form, "not UTF-8"},
		{text("k", "k"), inject.Form, "two fields have this key"},
		{text("auth.token", "/auth/token"), inject.JSON, "at the same place as another field"},
		{text("auth", "auth.token"), inject.Auto, "at the same place"},
		{text("auth.token", "auth"), inject.Auto, `field "auth": it is at the same place`},
		{text("a.b.c", "a.b.c.d"), inject.XML, "at the same place"},
		{text("a..b"), inject.Auto, "a part of the path is empty"},
		{text(".a"), inject.JSON, "a part of the path is empty"},
		{text("/"), inject.JSON, "a part of the path is empty"},
		{text("/a~2b"), inject.JSON, "a ~ in a JSON Pointer must be written ~0"},
		{text("/a~"), inject.JSON, "a ~ in a JSON Pointer must be written ~0"},
		{text("a b"), inject.XML, "not the name of an XML element"},
		{text("soap:Body"), inject.XML, "without a prefix"},
		{text(":a"), inject.XML, "without a prefix"},
		{text("a.1b"), inject.XML, "not the name of an XML element"},
		{text("a x='1'"), inject.XML, "not the name of an XML element"},
		{text("a/"), inject.XML, "not the name of an XML element"},
		{of(inject.Text, "SECRET\x00"), inject.XML, "a character that XML cannot carry"},
		{of(inject.Text, "SECRET\xff"), inject.Form, "the value is not UTF-8"},
		{of(inject.Boolean+1, "SECRET"), inject.Form, "unknown kind 4"},
	} {
		_, err := inject.NewFields(test.fields, test.format, 0)
		if assert.ErrorContains(t, err, test.want) {
			assert.NotContains(t, err.Error(), "SECRET")
		}
	}
	_, err := inject.NewFields(text("k"), inject.Auto, -1)
	assert.ErrorContains(t, err, "negative MaxBody")

	for kind, values := range map[inject.Kind]string{
		inject.Integer: `|+1|01|-|1.0|1e3|0x1|1 | 1|1,000|NaN|१`,
		inject.Number:  `|+1|01|-|.5|1.|1e|1e+|0x1|1 |Infinity|NaN`,
		inject.Boolean: `|True|TRUE|1|yes|true `,
	} {
		for value := range strings.SplitSeq(values, "|") {
			_, err := inject.NewFields(of(kind, value), inject.Auto, 0)
			assert.ErrorContains(t, err, `field "k": the value is not a`, "%d %q", kind, value)
		}
	}
}

func TestNewFieldsAccepts(t *testing.T) {
	for kind, values := range map[inject.Kind]string{
		inject.Text:    "|a|\"<&é\u2028",
		inject.Integer: "0|-0|7|-12|123456789012345678901234567890",
		inject.Number:  "0|-0.0|12.50|1e3|1E-30|-3.75e+3",
		inject.Boolean: "true|false",
	} {
		for value := range strings.SplitSeq(values, "|") {
			_, err := inject.NewFields([]inject.Field{{Key: "k", Value: value, Kind: kind}}, inject.Auto, 1)
			assert.NoError(t, err, "%d %q", kind, value)
		}
	}
	// Form and multipart names are literal, so nothing about paths is refused.
	_, err := inject.NewFields([]inject.Field{{Key: "a..b"}, {Key: "/a~"}, {Key: "a"}, {Key: "a.b"}}, inject.Form, 0)
	assert.NoError(t, err)
}

func TestFieldsAreCopied(t *testing.T) {
	fields := []inject.Field{{Key: "k", Value: "v"}}
	f := newFields(t, fields, inject.Auto)
	fields[0] = inject.Field{Key: "other", Value: "other"}
	assert.Equal(t, "k=v", apply(t, f, "application/x-www-form-urlencoded", ""))
}

func TestFormatGoesByContentType(t *testing.T) {
	f := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, inject.Auto)
	for contentType, test := range map[string][2]string{
		"application/json":                                {`{"a":1}`, `{"a":1,"k":"v"}`},
		"Application/JSON; charset=utf-8":                 {`{"a":1}`, `{"a":1,"k":"v"}`},
		"application/vnd.api+json":                        {`{}`, `{"k":"v"}`},
		"text/json":                                       {`{}`, `{"k":"v"}`},
		"application/x-www-form-urlencoded":               {`a=1`, `a=1&k=v`},
		"application/x-www-form-urlencoded;charset=UTF-8": {`a=1`, `a=1&k=v`},
		"text/xml":                       {`<r/>`, `<r><k>v</k></r>`},
		"application/xml; charset=utf-8": {`<r></r>`, `<r><k>v</k></r>`},
		"application/soap+xml":           {`<r>1</r>`, `<r><k>v</k>1</r>`},
	} {
		assert.Equal(t, test[1], apply(t, f, contentType, test[0]), contentType)
	}
}

func TestEmptyBodyIsCreated(t *testing.T) {
	fields := []inject.Field{{Key: "auth.key", Value: "a b&"}, {Key: "n", Value: "12", Kind: inject.Integer}}
	const form, json = "auth.key=a%20b%26&n=12", `{"auth":{"key":"a b&"},"n":12}`
	for _, test := range []struct {
		format            inject.Format
		contentType, want string
		wantType          string
	}{
		{inject.Auto, "", form, "application/x-www-form-urlencoded"},
		{inject.Form, "", form, "application/x-www-form-urlencoded"},
		{inject.JSON, "", json, "application/json"},
		{inject.Auto, "application/json; charset=utf-8", json, "application/json; charset=utf-8"},
		{inject.JSON, "application/vnd.api+json", json, "application/vnd.api+json"},
	} {
		for _, body := range []io.ReadCloser{nil, http.NoBody} {
			req := post(test.contentType, nil)
			req.Body = body
			require.NoError(t, newFields(t, fields, test.format).Apply(req))
			assert.Equal(t, []string{test.wantType}, req.Header["Content-Type"])
			assert.Equal(t, int64(len(test.want)), req.ContentLength)
			assert.Equal(t, test.want, sent(t, req))
		}
	}

	// A body that turns out to be empty is as good as none.
	req := post("application/json", nil)
	req.Body, req.ContentLength, req.GetBody = io.NopCloser(strings.NewReader("")), -1, nil
	require.NoError(t, newFields(t, fields, inject.Auto).Apply(req))
	assert.Equal(t, json, sent(t, req))

	req = &http.Request{Method: "POST"}
	require.NoError(t, newFields(t, fields, inject.Auto).Apply(req), "a request without a header map")
	assert.Equal(t, "application/x-www-form-urlencoded", req.Header.Get("Content-Type"))
}

func TestFixedFormatTakesDocumentsOfAnyType(t *testing.T) {
	for _, contentType := range []string{"", "text/plain", "application/x-thing", ";"} {
		fields := []inject.Field{{Key: "k", Value: "v"}}
		assert.Equal(t, `{"k":"v"}`, apply(t, newFields(t, fields, inject.JSON), contentType, "{}"))
		assert.Equal(t, `<r><k>v</k></r>`, apply(t, newFields(t, fields, inject.XML), contentType, "<r/>"))

		req := post("", []byte("<r/>"))
		require.NoError(t, newFields(t, fields, inject.XML).Apply(req))
		assert.Empty(t, req.Header, "what the caller has left unsaid stays unsaid")

		// But not anything at all.
		err := newFields(t, fields, inject.JSON).Apply(post(contentType, []byte("\x89PNG")))
		assert.ErrorIs(t, err, inject.ErrNotInjectable)
	}
}

func TestRefusals(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		name   string
		format inject.Format
		header http.Header
		body   string
		want   string
	}{
		{"no type", inject.Auto, http.Header{}, "a=1", "it has no Content-Type"},
		{"no type for a form", inject.Form, http.Header{}, "a=1", "it has no Content-Type"},
		{"unknown type", inject.Auto, http.Header{"Content-Type": {"image/png"}}, "PNG", "its Content-Type is not that of"},
		{"unknown type for a form", inject.Form, http.Header{"Content-Type": {"image/png"}}, "PNG", "its Content-Type is not that of"},
		{"unknown type of no body", inject.Auto, http.Header{"Content-Type": {"image/png"}}, "", "its Content-Type is not that of"},
		{"other multipart", inject.Multipart, http.Header{"Content-Type": {"multipart/mixed; boundary=x"}}, "--x--", "its Content-Type is not that of"},
		{"lines of JSON", inject.Auto, http.Header{"Content-Type": {"application/x-ndjson"}}, "{}\n{}", "its Content-Type is not that of"},
		{"another type", inject.JSON, http.Header{"Content-Type": {form}}, "a=1", "its Content-Type says a form: send JSON"},
		{"another type too", inject.Multipart, http.Header{"Content-Type": {"text/xml"}}, "<r/>", "its Content-Type says XML: send multipart"},
		{"two types", inject.Auto, http.Header{"Content-Type": {form, "text/xml"}}, "a=1", "two Content-Type headers"},
		{"two spellings", inject.Auto, http.Header{"Content-Type": {form}, "content-type": {form}}, "a=1", "two Content-Type headers"},
		{"gzip", inject.Auto, http.Header{"Content-Type": {form}, "Content-Encoding": {"gzip"}}, "a=1", "it has a Content-Encoding: send it plain"},
		{"odd case", inject.Auto, http.Header{"Content-Type": {form}, "content-encoding": {"br"}}, "a=1", "it has a Content-Encoding"},
		{"MD5", inject.Auto, http.Header{"Content-Type": {form}, "Content-Md5": {"x"}}, "a=1", "Content-Md5 header would no longer match"},
		{"digest", inject.Auto, http.Header{"Content-Type": {form}, "Digest": {"x"}}, "a=1", "Digest header would no longer match"},
		{"content digest", inject.Auto, http.Header{"Content-Type": {form}, "content-digest": {"x"}}, "", "Content-Digest header would no longer match"},
		{"digest of no body", inject.Auto, http.Header{"Repr-Digest": {"x"}}, "", "Repr-Digest header would no longer match"},
		{"XML without root", inject.XML, http.Header{}, "", "only the caller knows the root element"},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := &countingBody{Reader: strings.NewReader(test.body)}
			req := &http.Request{Method: "POST", Header: test.header}
			if test.body != "" {
				req.Body = body
			}
			err := newFields(t, []inject.Field{{Key: "k", Value: "SECRET"}}, test.format).Apply(req)
			require.ErrorIs(t, err, inject.ErrNotInjectable)
			assert.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "SECRET")
			assert.Zero(t, body.reads, "a header is reason enough")
			assert.Empty(t, sent(t, req))
			if test.body != "" {
				assert.EqualValues(t, 1, body.closed.Load())
			}
		})
	}

	trailer := post(form, []byte("a=1"))
	trailer.Trailer = http.Header{"Content-Digest": nil}
	assert.ErrorIs(t, newFields(t, []inject.Field{{Key: "k"}}, inject.Auto).Apply(trailer), inject.ErrNotInjectable)

	plain := post(form, []byte("a=1"))
	plain.Header["Content-Encoding"] = []string{"", "Identity"}
	assert.NoError(t, newFields(t, []inject.Field{{Key: "k"}}, inject.Auto).Apply(plain))
}

// bodies has one body of each format, and one that looks like it but cannot
// carry fields.
var bodies = map[string]struct{ good, bad string }{
	"application/json":                  {`{"a":1}`, `[1]`},
	"application/x-www-form-urlencoded": {"a=1", ""},
	"application/xml":                   {"<r>x</r>", "<r>x</s>"},
	"multipart/form-data; boundary=xx": {
		"--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xx--\r\n",
		"--yy\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--yy--\r\n",
	},
}

func TestBodyIsClosedOnce(t *testing.T) {
	broken := errors.New("broken")
	fields := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, inject.Auto)
	for contentType, content := range bodies {
		for _, replayable := range []bool{false, true} {
			newRequest := func(content string, err error) (req *http.Request, body *countingBody, replays *[]*countingBody) {
				req, replays = post(contentType, nil), new([]*countingBody)
				body = &countingBody{Reader: strings.NewReader(content), err: err}
				req.Body, req.ContentLength, req.GetBody = body, int64(len(content)), nil
				if replayable {
					req.GetBody = func() (io.ReadCloser, error) {
						again := &countingBody{Reader: strings.NewReader(content), err: err}
						*replays = append(*replays, again)
						return again, nil
					}
				}
				return req, body, replays
			}
			check := func(t *testing.T, body *countingBody, replays *[]*countingBody) {
				t.Helper()
				assert.EqualValues(t, 1, body.closed.Load())
				for _, again := range *replays {
					assert.EqualValues(t, 1, again.closed.Load())
				}
			}
			t.Run(contentType, func(t *testing.T) {
				req, body, replays := newRequest(content.good, nil)
				require.NoError(t, fields.Apply(req))
				assert.NotEqual(t, content.good, sent(t, req))
				req.Body.Close() // transports close more than once
				check(t, body, replays)

				if content.bad != "" {
					req, body, replays = newRequest(content.bad, nil)
					require.ErrorIs(t, fields.Apply(req), inject.ErrNotInjectable)
					assert.Empty(t, sent(t, req))
					check(t, body, replays)
				}

				req, body, replays = newRequest(content.good, broken)
				err := fields.Apply(req)
				if err == nil { // multipart is read when it is sent
					_, err = io.ReadAll(req.Body)
					req.Body.Close()
				}
				assert.ErrorIs(t, err, broken)
				check(t, body, replays)

				req, body, replays = newRequest("", broken)
				assert.ErrorIs(t, fields.Apply(req), broken)
				check(t, body, replays)
			})
		}
	}
}

func TestFieldsAreSafeForConcurrentUse(t *testing.T) {
	fields := newFields(t, []inject.Field{{Key: "auth.k", Value: "v"}, {Key: "l", Value: "w"}}, inject.Auto)
	var group sync.WaitGroup
	for contentType, content := range bodies {
		want := apply(t, fields, contentType, content.good)
		for range 8 {
			group.Go(func() {
				for range 20 {
					assert.Equal(t, want, apply(t, fields, contentType, content.good))
				}
			})
		}
	}
	group.Wait()
}

func TestCreatedMultipart(t *testing.T) {
	fields := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, inject.Multipart)
	req := post("", nil)
	require.NoError(t, fields.Apply(req))
	_, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	require.NoError(t, err)
	assert.Equal(t, []part{{"k", "", "v"}}, partsOf(t, sent(t, req), params["boundary"]))

	req = post("multipart/form-data; boundary=mine", nil)
	require.NoError(t, fields.Apply(req))
	assert.Equal(t, "multipart/form-data; boundary=mine", req.Header.Get("Content-Type"))
	assert.Equal(t, []part{{"k", "", "v"}}, partsOf(t, sent(t, req), "mine"))
}
