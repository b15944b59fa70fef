package awsauth

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// RoleConfig is a role that a program assumes.
type RoleConfig struct {
	// RoleARN names the role. Required.
	RoleARN string
	// SessionName names the session in the logs of AWS. Empty means "connectorauth".
	SessionName string
	// ExternalID is what the owner of the role has agreed on with the program. Empty means
	// none. AssumeRoleWithWebIdentity has no ExternalID.
	ExternalID connectorauth.Secret
	// Policy limits what the session may do, as JSON. Empty means all that the role may.
	Policy string
	// Duration is how long the credentials are valid. 0 means that AWS decides: an hour.
	Duration time.Duration
	// Region is the region of the Security Token Service. Required without Endpoint.
	Region string
	// Endpoint is the URL of the Security Token Service. Empty means
	// "https://sts.REGION.amazonaws.com/", or amazonaws.com.cn in China. https except on
	// loopback.
	Endpoint string
	// HTTPClient sends the requests. Only its Transport is used. Empty means
	// http.DefaultClient.
	HTTPClient *http.Client
}

// AssumeRole returns a Source of credentials for a role (AssumeRole). source gives the
// credentials with which the role is assumed. A mistake in config is an error of the
// Source, and so of the first request.
func AssumeRole(config RoleConfig, source Source) Source {
	return func(ctx context.Context) (Credentials, error) {
		if source == nil {
			return Credentials{}, errors.New("awsauth: AssumeRole: the source is nil")
		}
		base, err := source(ctx)
		if err == nil {
			err = base.check()
		}
		if err != nil {
			return Credentials{}, err
		}
		form := url.Values{}
		if config.ExternalID != "" {
			form.Set("ExternalId", string(config.ExternalID))
		}
		secrets := []string{string(base.SecretAccessKey), string(base.SessionToken), string(config.ExternalID)}
		return config.assume(ctx, "AssumeRole", form, secrets, func(req *http.Request) error {
			s := signer{service: "sts", region: cmp.Or(config.Region, "us-east-1"), time: time.Now().UTC(), credentials: base}
			return s.sign(req, PayloadSigned, endpoint.MaxResponse)
		})
	}
}

// AssumeRoleWithWebIdentity returns a Source of credentials for a role
// (AssumeRoleWithWebIdentity). token returns the token of an identity provider, such as
// that of [TokenFile].
func AssumeRoleWithWebIdentity(config RoleConfig, token func(context.Context) (connectorauth.Secret, error)) Source {
	return func(ctx context.Context) (Credentials, error) {
		if token == nil {
			return Credentials{}, errors.New("awsauth: AssumeRoleWithWebIdentity: the token is nil")
		}
		identity, err := token(ctx)
		if err != nil {
			return Credentials{}, err
		}
		form := url.Values{"WebIdentityToken": {string(identity)}}
		return config.assume(ctx, "AssumeRoleWithWebIdentity", form, []string{string(identity)}, func(*http.Request) error { return nil })
	}
}

// TokenFile returns a function that reads a token from a file, each time anew: platforms
// replace the file before the token expires.
func TokenFile(name string) func(context.Context) (connectorauth.Secret, error) {
	return func(context.Context) (connectorauth.Secret, error) {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("awsauth: the file of the web identity token: %w", err)
		}
		return connectorauth.Secret(bytes.TrimSpace(text)), nil
	}
}

// assume makes the request for the credentials of a role.
func (c *RoleConfig) assume(ctx context.Context, action string, form url.Values, secrets []string, sign func(*http.Request) error) (Credentials, error) {
	target := c.Endpoint
	if target == "" {
		if strings.Trim(c.Region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || c.Region == "" {
			return Credentials{}, fmt.Errorf("awsauth: %s: Region: %q is not the name of a region, and Endpoint is empty", action, c.Region)
		}
		target = "https://sts." + c.Region + ".amazonaws.com/"
		if strings.HasPrefix(c.Region, "cn-") {
			target = "https://sts." + c.Region + ".amazonaws.com.cn/"
		}
	}
	if _, err := origin.Endpoint(target); err != nil {
		return Credentials{}, fmt.Errorf("awsauth: %s: Endpoint: %w", action, err)
	}
	if c.RoleARN == "" {
		return Credentials{}, fmt.Errorf("awsauth: %s: RoleARN: is empty", action)
	}
	form.Set("Action", action)
	form.Set("Version", "2011-06-15")
	form.Set("RoleArn", c.RoleARN)
	form.Set("RoleSessionName", cmp.Or(c.SessionName, "connectorauth"))
	if c.Policy != "" {
		form.Set("Policy", c.Policy)
	}
	if c.Duration > 0 {
		form.Set("DurationSeconds", strconv.Itoa(int(c.Duration/time.Second)))
	}
	spelled := scrub.Spellings(secrets...)
	call := endpoint.Call{Build: func(ctx context.Context) (*http.Request, []string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
		if err != nil {
			return nil, spelled, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return req, spelled, sign(req)
	}}
	if c.HTTPClient != nil {
		call.Base = c.HTTPClient.Transport
	}
	resp, err := call.Do(ctx)
	if err != nil {
		return Credentials{}, fmt.Errorf("awsauth: %s at %s: %w", action, target, err)
	}
	return readRole(resp, action, target, spelled)
}

// roleResponse is a response of the Security Token Service. The credentials are those of
// one of the two actions.
type roleResponse struct {
	Role        roleCredentials `xml:"AssumeRoleResult>Credentials"`
	WebIdentity roleCredentials `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	Code        string          `xml:"Error>Code"`
	Message     string          `xml:"Error>Message"`
}

type roleCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// readRole reads the credentials of a role.
func readRole(resp *endpoint.Response, action, target string, secrets []string) (Credentials, error) {
	var read roleResponse
	err := xml.NewDecoder(bytes.NewReader(resp.Body)).Decode(&read)
	if !resp.Granted() {
		return Credentials{}, fmt.Errorf("awsauth: %s at %s: status %d, error %q: %s", action, target, resp.StatusCode,
			scrub.Text(read.Code, 100, secrets...), scrub.Text(read.Message, 300, secrets...))
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("awsauth: %s at %s: the response cannot be read", action, target)
	}
	found := read.Role
	if found.AccessKeyID == "" {
		found = read.WebIdentity
	}
	return Credentials{
		AccessKeyID: found.AccessKeyID, SecretAccessKey: connectorauth.Secret(found.SecretAccessKey),
		SessionToken: connectorauth.Secret(found.SessionToken), Expiry: found.Expiration,
	}, nil
}
