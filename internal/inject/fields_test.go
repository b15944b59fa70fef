package inject_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
)

func TestNewFieldsRefusesWhatCannotBeSent(t *testing.T) {
	text := func(keys ...string) (fields []inject.Field) {
		for _, key := range keys {
			fields = append(fields, inject.Field{Key: key, Value: "SECRET"})
		}
		return fields
	}
	of := func(kind dialect.FieldType, value string) []inject.Field {
		return []inject.Field{{Key: "k", Value: value, Type: kind}}
	}
	for _, test := range []struct {
		fields []inject.Field
		format dialect.BodyFormat
		want   string
	}{
		{nil, "", "Fields: there are none"},
		{text("k"), "yaml", `unknown body format "yaml"`},
		{text("k"), "JSON", `unknown body format "JSON"`},
		{text(""), dialect.BodyForm, `field "": empty key`},
		{text("a\nb"), dialect.BodyMultipart, `field "a\nb": the key has control characters`},
		{text("a\x7f"), dialect.BodyForm, "the key has control characters"},
		{text("a\xff"), dialect.BodyForm, "not UTF-8"},
		{text("k", "k"), dialect.BodyForm, "two fields have this key"},
		{text("auth.token", "/auth/token"), dialect.BodyJSON, "at the same place as another field"},
		{text("auth", "auth.token"), "", "at the same place"},
		{text("auth.token", "auth"), "", `field "auth": the key is at the same place`},
		{text("a.b.c", "a.b.c.d"), dialect.BodyXML, "at the same place"},
		{text("a..b"), "", "a part of the path is empty"},
		{text(".a"), dialect.BodyJSON, "a part of the path is empty"},
		{text("/"), dialect.BodyJSON, "a part of the path is empty"},
		{text("/a~2b"), dialect.BodyJSON, "a ~ in a JSON Pointer must be written ~0"},
		{text("/a~"), dialect.BodyJSON, "a ~ in a JSON Pointer must be written ~0"},
		{text("a b"), dialect.BodyXML, "not the name of an XML element"},
		{text("soap:Body"), dialect.BodyXML, "without a prefix"},
		{text(":a"), dialect.BodyXML, "without a prefix"},
		{text("a.1b"), dialect.BodyXML, "not the name of an XML element"},
		{text("a x='1'"), dialect.BodyXML, "not the name of an XML element"},
		{text("a/"), dialect.BodyXML, "not the name of an XML element"},
		{of(dialect.FieldText, "SECRET\x00"), dialect.BodyXML, "a character that XML cannot carry"},
		{of(dialect.FieldText, "SECRET\xff"), dialect.BodyForm, "the value is not UTF-8"},
		{of("date", "SECRET"), dialect.BodyForm, `unknown type "date"`},
		{of(dialect.FieldPassword, "SECRET\xff"), dialect.BodyForm, "the value is not UTF-8"},
	} {
		_, err := inject.NewFields(test.fields, test.format, 0)
		if assert.ErrorContains(t, err, test.want) {
			assert.NotContains(t, err.Error(), "SECRET")
		}
	}
	_, err := inject.NewFields(text("k"), "", -1)
	assert.ErrorContains(t, err, "MaxBody: is negative")

	for kind, values := range map[dialect.FieldType]string{
		dialect.FieldInteger: `|+1|01|-|1.0|1e3|0x1|1 | 1|1,000|NaN|१`,
		dialect.FieldNumber:  `|+1|01|-|.5|1.|1e|1e+|0x1|1 |Infinity|NaN`,
		dialect.FieldBoolean: `|True|TRUE|1|yes|true `,
	} {
		for value := range strings.SplitSeq(values, "|") {
			_, err := inject.NewFields(of(kind, value), "", 0)
			assert.ErrorContains(t, err, `field "k": the value is not a`, "%s %q", kind, value)
		}
	}
}

func TestNewFieldsReportsAllProblemsAtOnce(t *testing.T) {
	_, err := inject.NewFields([]inject.Field{
		{Key: "a\n", Value: "SECRET", Type: dialect.FieldBoolean},
		{Key: "good", Value: "1", Type: dialect.FieldInteger},
		{Key: "a..b", Value: "SECRET"},
		{Key: "good"},
	}, "yaml", -1)
	require.Error(t, err)
	assert.Equal(t, []string{
		`Body: unknown body format "yaml": use json, form, multipart or xml`,
		`MaxBody: is negative; 0 means 16 MiB`,
		`Fields: field "a\n": the key has control characters or is not UTF-8: remove them`,
		`Fields: field "a\n": the value is not a boolean: give true or false`,
		`Fields: field "a..b": a part of the path is empty: dots separate nested names; write a literal dot in the pointer form, as in /a.b`,
		`Fields: field "good": two fields have this key: remove one`,
	}, strings.Split(err.Error(), "\n"))
}

func TestPasswordsAreTextInEveryFormat(t *testing.T) {
	fields := []inject.Field{{Key: "k", Value: `s"`, Type: dialect.FieldPassword}}
	assert.Equal(t, `{"k":"s\""}`, apply(t, newFields(t, fields, ""), "application/json", "{}"))
	assert.Equal(t, `k=s%22`, apply(t, newFields(t, fields, ""), "application/x-www-form-urlencoded", ""))
}

func TestNewFieldsAccepts(t *testing.T) {
	for kind, values := range map[dialect.FieldType]string{
		"":                    "|a|\"<&é\u2028",
		dialect.FieldText:     "|a|\"<&é\u2028",
		dialect.FieldPassword: "|a|\"<&é\u2028",
		dialect.FieldInteger:  "0|-0|7|-12|123456789012345678901234567890",
		dialect.FieldNumber:   "0|-0.0|12.50|1e3|1E-30|-3.75e+3",
		dialect.FieldBoolean:  "true|false",
	} {
		for value := range strings.SplitSeq(values, "|") {
			_, err := inject.NewFields([]inject.Field{{Key: "k", Value: value, Type: kind}}, "", 1)
			assert.NoError(t, err, "%s %q", kind, value)
		}
	}
	// Form and multipart names are literal, so nothing about paths is refused.
	_, err := inject.NewFields([]inject.Field{{Key: "a..b"}, {Key: "/a~"}, {Key: "a"}, {Key: "a.b"}}, dialect.BodyForm, 0)
	assert.NoError(t, err)
}

func TestFieldsAreCopied(t *testing.T) {
	fields := []inject.Field{{Key: "k", Value: "v"}}
	f := newFields(t, fields, "")
	fields[0] = inject.Field{Key: "other", Value: "other"}
	assert.Equal(t, "k=v", apply(t, f, "application/x-www-form-urlencoded", ""))
}

func TestFormatGoesByContentType(t *testing.T) {
	f := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, "")
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
	fields := []inject.Field{{Key: "auth.key", Value: "a b&"}, {Key: "n", Value: "12", Type: dialect.FieldInteger}}
	const form, json = "auth.key=a%20b%26&n=12", `{"auth":{"key":"a b&"},"n":12}`
	for _, test := range []struct {
		format            dialect.BodyFormat
		contentType, want string
		wantType          string
	}{
		{"", "", form, "application/x-www-form-urlencoded"},
		{dialect.BodyForm, "", form, "application/x-www-form-urlencoded"},
		{dialect.BodyJSON, "", json, "application/json"},
		{"", "application/json; charset=utf-8", json, "application/json; charset=utf-8"},
		{dialect.BodyJSON, "application/vnd.api+json", json, "application/vnd.api+json"},
	} {
		for _, body := range []io.ReadCloser{nil, http.NoBody} {
			req := post(test.contentType, nil)
			req.Body = body
			require.NoError(t, newFields(t, fields, test.format).Apply(req, inject.Room{}))
			assert.Equal(t, []string{test.wantType}, req.Header["Content-Type"])
			assert.Equal(t, int64(len(test.want)), req.ContentLength)
			assert.Equal(t, test.want, sent(t, req))
		}
	}

	// A body that turns out to be empty is as good as none.
	req := post("application/json", nil)
	req.Body, req.ContentLength, req.GetBody = io.NopCloser(strings.NewReader("")), -1, nil
	require.NoError(t, newFields(t, fields, "").Apply(req, inject.Room{}))
	assert.Equal(t, json, sent(t, req))

	req = &http.Request{Method: "POST"}
	require.NoError(t, newFields(t, fields, "").Apply(req, inject.Room{}), "a request without a header map")
	assert.Equal(t, "application/x-www-form-urlencoded", req.Header.Get("Content-Type"))
}

func TestFixedFormatTakesDocumentsOfAnyType(t *testing.T) {
	for _, contentType := range []string{"", "text/plain", "application/x-thing", ";"} {
		fields := []inject.Field{{Key: "k", Value: "v"}}
		assert.Equal(t, `{"k":"v"}`, apply(t, newFields(t, fields, dialect.BodyJSON), contentType, "{}"))
		assert.Equal(t, `<r><k>v</k></r>`, apply(t, newFields(t, fields, dialect.BodyXML), contentType, "<r/>"))

		req := post("", []byte("<r/>"))
		require.NoError(t, newFields(t, fields, dialect.BodyXML).Apply(req, inject.Room{}))
		assert.Empty(t, req.Header, "what the caller has left unsaid stays unsaid")

		// But not anything at all.
		err := newFields(t, fields, dialect.BodyJSON).Apply(post(contentType, []byte("\x89PNG")), inject.Room{})
		assert.ErrorIs(t, err, inject.ErrNotInjectable)
	}
}

func TestRefusals(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		name   string
		format dialect.BodyFormat
		header http.Header
		body   string
		want   string
	}{
		{"no type", "", http.Header{}, "a=1", "it has no Content-Type"},
		{"no type for a form", dialect.BodyForm, http.Header{}, "a=1", "it has no Content-Type"},
		{"unknown type", "", http.Header{"Content-Type": {"image/png"}}, "PNG", "its Content-Type is not that of"},
		{"unknown type for a form", dialect.BodyForm, http.Header{"Content-Type": {"image/png"}}, "PNG", "its Content-Type is not that of"},
		{"unknown type of no body", "", http.Header{"Content-Type": {"image/png"}}, "", "its Content-Type is not that of"},
		{"other multipart", dialect.BodyMultipart, http.Header{"Content-Type": {"multipart/mixed; boundary=x"}}, "--x--", "its Content-Type is not that of"},
		{"lines of JSON", "", http.Header{"Content-Type": {"application/x-ndjson"}}, "{}\n{}", "its Content-Type is not that of"},
		{"another type", dialect.BodyJSON, http.Header{"Content-Type": {form}}, "a=1", "its Content-Type says a form: send JSON"},
		{"another type too", dialect.BodyMultipart, http.Header{"Content-Type": {"text/xml"}}, "<r/>", "its Content-Type says XML: send multipart"},
		{"two types", "", http.Header{"Content-Type": {form, "text/xml"}}, "a=1", "two Content-Type headers"},
		{"two spellings", "", http.Header{"Content-Type": {form}, "content-type": {form}}, "a=1", "two Content-Type headers"},
		{"gzip", "", http.Header{"Content-Type": {form}, "Content-Encoding": {"gzip"}}, "a=1", "it has a Content-Encoding: send it plain"},
		{"odd case", "", http.Header{"Content-Type": {form}, "content-encoding": {"br"}}, "a=1", "it has a Content-Encoding"},
		{"MD5", "", http.Header{"Content-Type": {form}, "Content-Md5": {"x"}}, "a=1", "Content-Md5 header would no longer match"},
		{"digest", "", http.Header{"Content-Type": {form}, "Digest": {"x"}}, "a=1", "Digest header would no longer match"},
		{"content digest", "", http.Header{"Content-Type": {form}, "content-digest": {"x"}}, "", "Content-Digest header would no longer match"},
		{"digest of no body", "", http.Header{"Repr-Digest": {"x"}}, "", "Repr-Digest header would no longer match"},
		{"XML without root", dialect.BodyXML, http.Header{}, "", "only the caller knows the root element"},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := &countingBody{Reader: strings.NewReader(test.body)}
			req := &http.Request{Method: "POST", Header: test.header}
			if test.body != "" {
				req.Body = body
			}
			err := newFields(t, []inject.Field{{Key: "k", Value: "SECRET"}}, test.format).Apply(req, inject.Room{})
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
	assert.ErrorIs(t, newFields(t, []inject.Field{{Key: "k"}}, "").Apply(trailer, inject.Room{}), inject.ErrNotInjectable)

	plain := post(form, []byte("a=1"))
	plain.Header["Content-Encoding"] = []string{"", "Identity"}
	assert.NoError(t, newFields(t, []inject.Field{{Key: "k"}}, "").Apply(plain, inject.Room{}))
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
	fields := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, "")
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
				require.NoError(t, fields.Apply(req, inject.Room{}))
				assert.NotEqual(t, content.good, sent(t, req))
				req.Body.Close() // transports close more than once
				check(t, body, replays)

				if content.bad != "" {
					req, body, replays = newRequest(content.bad, nil)
					require.ErrorIs(t, fields.Apply(req, inject.Room{}), inject.ErrNotInjectable)
					assert.Empty(t, sent(t, req))
					check(t, body, replays)
				}

				req, body, replays = newRequest(content.good, broken)
				err := fields.Apply(req, inject.Room{})
				if err == nil { // multipart is read when it is sent
					_, err = io.ReadAll(req.Body)
					req.Body.Close()
				}
				assert.ErrorIs(t, err, broken)
				check(t, body, replays)

				req, body, replays = newRequest("", broken)
				assert.ErrorIs(t, fields.Apply(req, inject.Room{}), broken)
				check(t, body, replays)
			})
		}
	}
}

func TestFieldsAreSafeForConcurrentUse(t *testing.T) {
	fields := newFields(t, []inject.Field{{Key: "auth.k", Value: "v"}, {Key: "l", Value: "w"}}, "")
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
