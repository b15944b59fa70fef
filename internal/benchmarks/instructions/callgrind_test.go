package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a called function takes counts once, and the blocks of SHA-1 do not count.
func TestAProfileIsSummed(t *testing.T) {
	total, err := sum(strings.NewReader(`# callgrind format
positions: line
events: Ir
summary: 1117

fl=main.go
fn=main.send
10 1
11 2
fi=other.go
12 4
cfn=crypto/sha1.blockAVX2
calls=1 20
13 1000
13 8

fl=block.s
fn=crypto/sha1.blockAVX2
20 1000

fn=crypto/sha1.(*digest).Write
30 100

totals: 1117
`))
	require.NoError(t, err)
	assert.EqualValues(t, 1+2+4+8+100, total)
	_, err = sum(strings.NewReader("fn=main\n10 many\n"))
	assert.ErrorContains(t, err, "10 many")
	_, err = sum(strings.NewReader("10 1\nfn=" + strings.Repeat("x", 2<<20) + "\n11 1\n"))
	assert.Error(t, err, "a line that is too long")
	total, err = sum(strings.NewReader("10 1\nfn=" + strings.Repeat("x", 1<<19) + "\n11 1\n"))
	require.NoError(t, err)
	assert.EqualValues(t, 2, total)
}

// What a program does before and after its requests is in both runs, and counts in none.
func TestARequestCostsTheDifferenceOfTwoRuns(t *testing.T) {
	folder := t.TempDir()
	// The last argument is the number of requests. The fourth names the file of the profile.
	script := "#!/bin/sh\nfor n; do :; done\nfile=${4#--callgrind-out-file=}\necho \"fn=main.send\" >\"$file\"\necho \"10 $((1000000 + 3 * n))\" >>\"$file\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "valgrind"), []byte(script), 0o755))
	t.Setenv("PATH", folder+string(filepath.ListSeparator)+os.Getenv("PATH"))
	got, err := path{name: "bearer", n: 500}.measure(filepath.Join(folder, "program"))
	require.NoError(t, err)
	assert.InDelta(t, 3, got, 0)

	require.NoError(t, os.WriteFile(filepath.Join(folder, "valgrind"), []byte("#!/bin/sh\necho it broke\nexit 1\n"), 0o755))
	_, err = path{name: "bearer", n: 500}.measure(filepath.Join(folder, "program"))
	assert.ErrorContains(t, err, "it broke")
}

// seen is a base RoundTripper that keeps what the last request had.
type seen struct {
	request *http.Request
	body    string
}

func (s *seen) RoundTrip(req *http.Request) (*http.Response, error) {
	s.request = req
	if req.Body != nil {
		text, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		s.body = string(text)
	}
	return wire{}.RoundTrip(req)
}

func TestEachPathSendsItsCredential(t *testing.T) {
	for _, p := range paths {
		t.Run(p.name, func(t *testing.T) {
			var base seen
			send, err := p.sender(&base)
			require.NoError(t, err)
			for range 2 { // the second request is like the first
				require.NoError(t, send())
				switch {
				case p.name == "API key in the query":
					assert.Equal(t, token, base.request.URL.Query().Get("api_key"))
				case p.name == "API key in a cookie":
					assert.Equal(t, "theme=dark; api_key="+token, base.request.Header.Get("Cookie"))
				case p.name == "API key in a form":
					assert.Equal(t, "file=vacation.jpg&size=original&api_key="+token, base.body)
				case p.body != nil:
					assert.Contains(t, base.body, `"user_token":"secret"`)
					assert.Contains(t, base.body, `"company_id":4711`)
				case strings.HasPrefix(p.name, "OAuth1"):
					assert.Contains(t, base.request.Header.Get("Authorization"), "oauth_signature=")
				default:
					assert.Equal(t, "Bearer "+token, base.request.Header.Get("Authorization"))
				}
			}
		})
	}
}

func TestTheFileHasAllPaths(t *testing.T) {
	text, err := os.ReadFile("counts.txt")
	require.NoError(t, err)
	kept, err := parse(string(text))
	require.NoError(t, err)
	for _, p := range paths {
		assert.NotZero(t, kept.get(p.name), p.name)
	}
	assert.Len(t, kept.all, len(paths))
}
