package clients_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-github/v74/github"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

// newGitHub returns a go-github client for an enterprise server.
func newGitHub(t *testing.T, c connectorauth.Connector, url string) *github.Client {
	t.Helper()
	client, err := github.NewClient(connectorauth.NewClient(c, nil)).WithEnterpriseURLs(url, url)
	require.NoError(t, err)
	return client
}

func TestGoGitHubFollowsPagesWithTheToken(t *testing.T) {
	var server *api
	server = newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Query().Get("page") {
		case "":
			w.Header().Set("Link", fmt.Sprintf(`<%s%s?page=2>; rel="next"`, server.URL, r.URL.Path))
			io.WriteString(w, `[{"name":"one"}]`)
		case "2":
			io.WriteString(w, `[{"name":"two"}]`)
		}
	})
	client := newGitHub(t, headerKey(), server.URL)
	var names []string
	options := &github.RepositoryListByOrgOptions{}
	for {
		repositories, resp, err := client.Repositories.ListByOrg(t.Context(), "acme", options)
		require.NoError(t, err)
		for _, r := range repositories {
			names = append(names, r.GetName())
		}
		if options.Page = resp.NextPage; options.Page == 0 {
			break
		}
	}
	assert.Equal(t, []string{"one", "two"}, names)
}

func TestGoGitHubNeverSeesAnExpiredToken(t *testing.T) {
	p := authtest.NewProvider(t)
	client := newGitHub(t, forClient(p), p.BearerURL)
	for range 3 {
		_, _, err := client.Issues.Create(t.Context(), "acme", "rockets", &github.IssueRequest{Title: github.Ptr("Lift-off")})
		require.NoError(t, err)
		p.RevokeAccessTokens()
	}
	requests := p.Requests(p.BearerURL)
	require.Len(t, requests, 5, "three, of which two were sent once more with another token")
	for _, r := range requests {
		assert.JSONEq(t, `{"title":"Lift-off"}`, string(r.Body))
	}
}

// go-github answers a 301 for an archive by a request of its own, which is not
// a redirect as far as net/http is concerned.
func TestGoGitHubsOwnRedirectsAreKeptWithinHosts(t *testing.T) {
	elsewhere := newAPI(t, func(w http.ResponseWriter, r *http.Request) {})
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/archive", http.StatusMovedPermanently)
	})
	client := newGitHub(t, headerKey(server.URL), server.URL)
	_, _, err := client.Repositories.GetArchiveLink(t.Context(), "acme", "rockets", github.Tarball, nil, 3)
	require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	assert.Empty(t, elsewhere.arrived(), "a direct request to a foreign host is not sent")
}

func TestGoGitHubDownloadsAssetsWithoutTheToken(t *testing.T) {
	storage := newAPI(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the asset") })
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, storage.URL+"/signed?X-Signature=abc", http.StatusFound)
	})
	client := newGitHub(t, headerKey(server.URL), server.URL)
	asset, _, err := client.Repositories.DownloadReleaseAsset(t.Context(), "acme", "rockets", 1, http.DefaultClient)
	require.NoError(t, err)
	defer asset.Close()
	content, err := io.ReadAll(asset)
	require.NoError(t, err)
	assert.Equal(t, "the asset", string(content))
	require.Len(t, storage.arrived(), 1)
	requireBare(t, storage.arrived()[0])
}

func TestGoGitHubUploadsWithTheToken(t *testing.T) {
	p := authtest.NewProvider(t)
	client := newGitHub(t, forClient(p), p.BearerURL)
	const content = "bytes of an asset"
	req, err := client.NewUploadRequest("repos/acme/rockets/releases/1/assets?name=a", readerOnly(content), int64(len(content)), "text/plain")
	require.NoError(t, err)
	_, err = client.Do(t.Context(), req, nil)
	require.NoError(t, err)
	requests := p.Requests(p.BearerURL)
	require.Len(t, requests, 1)
	assert.Equal(t, content, string(requests[0].Body))
}
