package awsauth

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// at returns a signer of AWS's examples at a time.
func at(date, service, region, id, secret string) *signer {
	when, err := time.Parse(timeFormat, date)
	if err != nil {
		panic(err)
	}
	return &signer{service: service, region: region, time: when, credentials: Credentials{AccessKeyID: id, SecretAccessKey: connectorauth.Secret(secret)}}
}

// The examples of the AWS General Reference and of the API reference of S3, as printed.
func TestPublishedExamples(t *testing.T) {
	general := at("20150830T123600Z", "iam", "us-east-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	vanilla := at("20150830T123600Z", "service", "us-east-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	s3 := at("20130524T000000Z", "s3", "us-east-1", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	s3.headers = []string{"range", "date"}
	for _, test := range []struct {
		name, method, url, body string
		header                  http.Header
		signer                  *signer
		want                    string
	}{
		{"ListUsers", "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", "",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}, general, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
		{"get-vanilla", "GET", "https://example.amazonaws.com/", "", http.Header{}, vanilla, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"GET Object", "GET", "https://examplebucket.s3.amazonaws.com/test.txt", "", http.Header{"Range": {"bytes=0-9"}}, s3,
			"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
		{"PUT Object", "PUT", "https://examplebucket.s3.amazonaws.com/test$file.text", "Welcome to Amazon S3.",
			http.Header{"Date": {"Fri, 24 May 2013 00:00:00 GMT"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"}}, s3,
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
		{"GET Bucket Lifecycle", "GET", "https://examplebucket.s3.amazonaws.com/?lifecycle", "", http.Header{}, s3,
			"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
		{"List Objects", "GET", "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", "", http.Header{}, s3,
			"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	} {
		var body io.Reader
		if test.body != "" {
			body = strings.NewReader(test.body)
		}
		req, err := http.NewRequest(test.method, test.url, body)
		require.NoError(t, err)
		req.Header = test.header
		require.NoError(t, test.signer.sign(req, PayloadSigned, 1<<20))
		assert.True(t, strings.HasSuffix(req.Header.Get("Authorization"), "Signature="+test.want), "%s: %s", test.name, req.Header.Get("Authorization"))
	}
}

// The example of S3's documentation for a payload in chunks: 66,560 times the letter a.
func TestPublishedChunks(t *testing.T) {
	s3 := at("20130524T000000Z", "s3", "us-east-1", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	s3.headers = []string{"content-encoding", "content-length"}
	req, err := http.NewRequest("PUT", "https://s3.amazonaws.com/examplebucket/chunkObject.txt", strings.NewReader(strings.Repeat("a", 66560)))
	require.NoError(t, err)
	req.Header.Set("X-Amz-Storage-Class", "REDUCED_REDUNDANCY")
	req.Header.Set("Content-Length", "66824") // which the example signs, too
	require.NoError(t, s3.sign(req, PayloadChunked, 0))
	assert.Contains(t, req.Header.Get("Authorization"), "Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")
	assert.EqualValues(t, 66824, req.ContentLength)
	for _, open := range []func() (io.ReadCloser, error){func() (io.ReadCloser, error) { return req.Body, nil }, req.GetBody} {
		body, err := open()
		require.NoError(t, err)
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		require.Len(t, text, 66824)
		for _, want := range []string{
			"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n",
			"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n",
			"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
		} {
			assert.Contains(t, string(text), want)
		}
	}
}

// The paths of AWS's test suite that no HTTP request has, because their characters are
// not encoded.
func TestPathsThatAreNotEncoded(t *testing.T) {
	vanilla := at("20150830T123600Z", "service", "us-east-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	for path, want := range map[string]struct{ canonical, signature string }{
		"/\u1234": {"/%E1%88%B4", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"}, // get-utf8
	} {
		canonical := canonicalPath(path, false)
		assert.Equal(t, want.canonical, canonical)
		headers, names := canonicalHeaders("example.amazonaws.com", http.Header{"X-Amz-Date": {"20150830T123600Z"}}, nil)
		assert.Equal(t, want.signature, vanilla.signature(strings.Join([]string{"GET", canonical, "", headers, names, hexSum("")}, "\n")))
	}
}

func TestCanonicalPaths(t *testing.T) {
	for path, want := range map[string][2]string{ // of S3, of others
		"":                 {"/", "/"},
		"/":                {"/", "/"},
		"/a//b/":           {"/a//b/", "/a/b/"},
		"/a/./b/../c":      {"/a/./b/../c", "/a/c"},
		"/../..":           {"/../..", "/"},
		"/a%20b":           {"/a%20b", "/a%2520b"},
		"/a!b'(c)*$&,;=:@": {"/a%21b%27%28c%29%2A%24%26%2C%3B%3D%3A%40", "/a%21b%27%28c%29%2A%24%26%2C%3B%3D%3A%40"},
		"/a%2Fb":           {"/a/b", "/a%252Fb"},
		"/a%zz":            {"/a%25zz", "/a%25zz"},
	} {
		assert.Equal(t, want[0], canonicalPath(path, true), path)
		assert.Equal(t, want[1], canonicalPath(path, false), path)
	}
	for query, want := range map[string]string{
		"": "", "b=2&a=1": "a=1&b=2", "a": "a=", "a=b=c": "a=b%3Dc", "a+b=c+d": "a%20b=c%20d", "a=%2b&&a=%2B0": "a=%2B&a=%2B0", "a;b=1": "a%3Bb=1", "a=%zz": "a=%25zz", "a=/&a=-": "a=%2F&a=-",
	} {
		assert.Equal(t, want, canonicalQuery(query), query)
	}
}

// Whatever the path and the query are, both have one canonical form, which holds nothing
// that is not encoded.
func FuzzCanonical(f *testing.F) {
	f.Add("/a/../b%20", "a=1&b=%zz")
	f.Add("//", "&&=;")
	f.Fuzz(func(t *testing.T, path, query string) {
		for _, s3 := range []bool{true, false} {
			p := canonicalPath(path, s3)
			require.True(t, strings.HasPrefix(p, "/"))
			require.Empty(t, strings.Trim(p, "/%-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))
		}
		q := canonicalQuery(query)
		require.Empty(t, strings.Trim(q, "&=%-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))
		require.Equal(t, q, canonicalQuery(q))
	})
}
