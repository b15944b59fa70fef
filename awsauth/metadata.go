package awsauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/origin"
)

const (
	containerHost = "http://169.254.170.2"
	instanceHost  = "http://169.254.169.254"
	maxMetadata   = 64 << 10        // bytes of a response
	metadataTime  = 5 * time.Second // for a response
	dialTime      = time.Second     // for a connection: elsewhere than at AWS, nobody is there
)

// linkLocal are the hosts of metadata services, which are on the same machine and speak
// plain http.
var linkLocal = map[string]bool{"169.254.169.254": true, "fd00:ec2::254": true, "169.254.170.2": true, "169.254.170.23": true, "fd00:ec2::23": true}

// Container returns a Source of the credentials that a container of ECS or EKS has: from
// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI, with
// AWS_CONTAINER_AUTHORIZATION_TOKEN or the content of
// AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE. A full URI is https, or of this machine.
func Container() Source {
	return func(ctx context.Context) (Credentials, error) {
		target := os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
		if relative := os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
			target = containerHost + "/" + strings.TrimPrefix(relative, "/")
		}
		if target == "" {
			return Credentials{}, fmt.Errorf("%w of a container in the environment", ErrNoCredentials)
		}
		header := http.Header{}
		token := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
		if file := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
			text, err := os.ReadFile(file)
			if err != nil {
				return Credentials{}, fmt.Errorf("awsauth: the token for the credentials of the container: %w", err)
			}
			token = strings.TrimSpace(string(text))
		}
		if token != "" {
			if check.Text(token) != nil {
				return Credentials{}, errors.New("awsauth: the token for the credentials of the container has a line break or a control character")
			}
			header.Set("Authorization", token)
		}
		body, err := fetch(ctx, http.MethodGet, target, header)
		if err != nil {
			return Credentials{}, fmt.Errorf("awsauth: the credentials of the container: %w", err)
		}
		return readMetadata(body)
	}
}

// Instance returns a Source of the credentials that an instance of EC2 has, by version 2
// of the instance metadata service. AWS_EC2_METADATA_SERVICE_ENDPOINT names another
// address of the service; AWS_EC2_METADATA_DISABLED=true means that there is none. On a
// machine without the service, the error matches [ErrNoCredentials] after a second.
func Instance() Source {
	return func(ctx context.Context) (Credentials, error) {
		if strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true") {
			return Credentials{}, fmt.Errorf("%w of an instance: the metadata service is disabled", ErrNoCredentials)
		}
		host := strings.TrimSuffix(cmp.Or(os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"), instanceHost), "/")
		token, err := fetch(ctx, http.MethodPut, host+"/latest/api/token", http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"300"}})
		var unreachable *net.OpError
		if errors.As(err, &unreachable) && ctx.Err() == nil {
			return Credentials{}, fmt.Errorf("%w of an instance: the metadata service cannot be reached", ErrNoCredentials)
		}
		header := http.Header{"X-Aws-Ec2-Metadata-Token": {string(token)}}
		const path = "/latest/meta-data/iam/security-credentials/"
		var role, body []byte
		if err == nil {
			role, err = fetch(ctx, http.MethodGet, host+path, header)
		}
		name, _, _ := strings.Cut(string(role), "\n")
		if err == nil {
			body, err = fetch(ctx, http.MethodGet, host+path+url.PathEscape(strings.TrimSpace(name)), header)
		}
		if err != nil {
			return Credentials{}, fmt.Errorf("awsauth: the credentials of the instance: %w", err)
		}
		return readMetadata(body)
	}
}

// readMetadata reads the credentials in a response.
func readMetadata(body []byte) (Credentials, error) {
	var read struct {
		Code            string
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey connectorauth.Secret
		Token           connectorauth.Secret
		Expiration      time.Time
	}
	if json.Unmarshal(body, &read) != nil || read.Code != "" && read.Code != "Success" || read.AccessKeyID == "" {
		return Credentials{}, errors.New("awsauth: the metadata service returned no credentials")
	}
	return Credentials{AccessKeyID: read.AccessKeyID, SecretAccessKey: read.SecretAccessKey, SessionToken: read.Token, Expiry: read.Expiration}, nil
}

// fetch makes a request to a metadata service: without a proxy and without redirects,
// bounded in time and size, and by plain http on this machine alone.
func fetch(ctx context.Context, method, target string, header http.Header) ([]byte, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("the URL of the metadata service is not a URL with a host and without a user")
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && (linkLocal[u.Hostname()] || origin.Loopback(u.Hostname()))) {
		return nil, errors.New("the URL of the metadata service is neither https nor of this machine")
	}
	ctx, cancel := context.WithTimeout(ctx, metadataTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header = header
	origin.Resolve(req)
	base := &http.Transport{DialContext: (&net.Dialer{Timeout: dialTime}).DialContext, DisableKeepAlives: true}
	resp, err := base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMetadata+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxMetadata:
		return nil, fmt.Errorf("the response is longer than %d bytes", maxMetadata)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("status %d of %s", resp.StatusCode, u.Host)
	}
	return body, nil
}
