package awsauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/awsauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
)

// bare removes everything of AWS from the environment.
func bare(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return home
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

func TestEnvironment(t *testing.T) {
	bare(t)
	_, err := awsauth.Default()(t.Context())
	require.ErrorIs(t, err, awsauth.ErrNoCredentials)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
	_, err = awsauth.Environment()(t.Context())
	require.ErrorIs(t, err, awsauth.ErrNoCredentials)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	t.Setenv("AWS_SESSION_TOKEN", sessionToken)
	c, err := awsauth.Default()(t.Context())
	require.NoError(t, err)
	assert.Equal(t, awsauth.Credentials{AccessKeyID: "AKIDENV", SecretAccessKey: secretKey, SessionToken: sessionToken}, c)
}

// sts is a Security Token Service.
func sts(t *testing.T, forms *[]url.Values) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		form, err := url.ParseQuery(string(body))
		assert.NoError(t, err)
		form.Set("signed", r.Header.Get("Authorization"))
		*forms = append(*forms, form)
		if strings.Contains(form.Get("RoleArn"), "forbidden") {
			w.WriteHeader(403)
			fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no access with %s %s</Message></Error></ErrorResponse>`,
				form.Get("WebIdentityToken"), sessionToken)
			return
		}
		fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials>
			<AccessKeyId>ASIA%[2]d</AccessKeyId><SecretAccessKey>secret-of-the-role</SecretAccessKey><SessionToken>token-of-the-role</SessionToken>
			<Expiration>2099-11-09T13:34:41Z</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, form.Get("Action"), len(*forms))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

var role = awsauth.Credentials{AccessKeyID: "ASIA1", SecretAccessKey: "secret-of-the-role", SessionToken: "token-of-the-role", Expiry: time.Date(2099, 11, 9, 13, 34, 41, 0, time.UTC)}

func TestAssumeRole(t *testing.T) {
	var forms []url.Values
	config := awsauth.RoleConfig{
		RoleARN: "arn:aws:iam::1:role/r", SessionName: "s", ExternalID: "external", Policy: "{}", Duration: time.Hour, Region: "eu-west-1", Endpoint: sts(t, &forms),
	}
	c, err := awsauth.AssumeRole(config, awsauth.Static("AKID", secretKey, sessionToken))(t.Context())
	require.NoError(t, err)
	assert.Equal(t, role, c)
	assert.Contains(t, forms[0].Get("signed"), "/eu-west-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,")
	forms[0].Del("signed")
	assert.Equal(t, url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {"arn:aws:iam::1:role/r"}, "RoleSessionName": {"s"},
		"ExternalId": {"external"}, "Policy": {"{}"}, "DurationSeconds": {"3600"},
	}, forms[0])

	config.RoleARN = "arn:forbidden"
	_, err = awsauth.AssumeRole(config, awsauth.Static("AKID", secretKey, sessionToken))(t.Context())
	require.ErrorContains(t, err, `status 403, error "AccessDenied": no access with`)
	assert.Empty(t, canary.Found(err.Error(), secretKey, sessionToken))
	for want, config := range map[string]awsauth.RoleConfig{
		"RoleARN: is empty": {Region: "us-east-1"}, "is not the name of a region": {RoleARN: "a", Region: "evil.example/"}, "plain http": {RoleARN: "a", Endpoint: "http://sts.example.test/"},
	} {
		_, err := awsauth.AssumeRole(config, awsauth.Static("AKID", secretKey, ""))(t.Context())
		assert.ErrorContains(t, err, want)
	}
	_, err = awsauth.AssumeRole(config, func(context.Context) (awsauth.Credentials, error) {
		return awsauth.Credentials{}, awsauth.ErrNoCredentials
	})(t.Context())
	assert.ErrorIs(t, err, awsauth.ErrNoCredentials)
}

func TestWebIdentity(t *testing.T) {
	home := bare(t)
	var forms []url.Values
	t.Setenv("AWS_ENDPOINT_URL_STS", sts(t, &forms))
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/web")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", write(t, filepath.Join(home, "token"), "the token\n"))
	c, err := awsauth.Default()(t.Context())
	require.NoError(t, err)
	assert.Equal(t, role, c)
	assert.Equal(t, url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {"arn:aws:iam::1:role/web"},
		"RoleSessionName": {"connectorauth"}, "WebIdentityToken": {"the token"}, "signed": {""},
	}, forms[0])
	t.Setenv("AWS_ROLE_ARN", "arn:forbidden")
	_, err = awsauth.WebIdentity()(t.Context())
	require.ErrorContains(t, err, "AccessDenied")
	assert.Empty(t, canary.Found(err.Error(), "the token"))
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", filepath.Join(home, "none"))
	_, err = awsauth.Default()(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist, "a place that is configured and broken is not passed over")
}

func TestFiles(t *testing.T) {
	home := bare(t)
	var forms []url.Values
	t.Setenv("AWS_ENDPOINT_URL_STS", sts(t, &forms))
	write(t, filepath.Join(home, ".aws", "config"), `
# a comment
[default]
region = eu-central-1
s3 =
  aws_access_key_id = nested
[profile role]
role_arn = arn:aws:iam::1:role/r   # a comment
source_profile = keys
external_id = x
duration_seconds = 900
[profile chain]
role_arn = arn:aws:iam::1:role/second
source_profile = role
region = us-west-2
[profile env]
role_arn=arn:aws:iam::1:role/e
credential_source=Environment
region=us-east-1
[profile circle]
role_arn = a
source_profile = other-circle
[profile other-circle]
role_arn = a
source_profile = circle
[profile sso]
sso_session = x
[sso-session x]
aws_access_key_id = wrong
[profile odd]
role_arn = a
[profile gone]
role_arn = a
source_profile = nobody
[profile seconds]
role_arn = a
duration_seconds = soon
[profile where]
role_arn = a
credential_source = Elsewhere
`)
	write(t, filepath.Join(home, ".aws", "credentials"), "\ufeff[default]\naws_access_key_id=AKIDDEFAULT\naws_secret_access_key="+secretKey+"\n[keys]\naws_access_key_id = AKIDKEYS\naws_secret_access_key = "+secretKey+"\naws_session_token = "+sessionToken+"\n")
	c, err := awsauth.Default()(t.Context())
	require.NoError(t, err)
	assert.Equal(t, awsauth.Credentials{AccessKeyID: "AKIDDEFAULT", SecretAccessKey: secretKey}, c)
	t.Setenv("AWS_PROFILE", "keys")
	c, err = awsauth.Files("")(t.Context())
	require.NoError(t, err)
	assert.Equal(t, awsauth.Credentials{AccessKeyID: "AKIDKEYS", SecretAccessKey: secretKey, SessionToken: sessionToken}, c)

	t.Setenv("AWS_REGION", "eu-central-1")
	c, err = awsauth.Files("role")(t.Context())
	require.NoError(t, err)
	assert.Equal(t, role, c)
	assert.Equal(t, []string{"arn:aws:iam::1:role/r", "x", "900"}, []string{forms[0].Get("RoleArn"), forms[0].Get("ExternalId"), forms[0].Get("DurationSeconds")})
	assert.Contains(t, forms[0].Get("signed"), "Credential=AKIDKEYS/")
	assert.Contains(t, forms[0].Get("signed"), "/eu-central-1/sts/")
	_, err = awsauth.Files("chain")(t.Context())
	require.NoError(t, err)
	require.Len(t, forms, 3)
	assert.Contains(t, forms[2].Get("signed"), "Credential=ASIA2/")
	assert.Contains(t, forms[2].Get("signed"), "/us-west-2/sts/")
	_, err = awsauth.Files("env")(t.Context())
	require.ErrorIs(t, err, awsauth.ErrNoCredentials)

	for profile, want := range map[string]string{
		"circle": "one of a circle", "sso": "has sso_session", "odd": "without source_profile", "gone": `no profile "nobody"`,
		"nobody": `no profile "nobody"`, "seconds": "duration_seconds", "where": "credential_source",
	} {
		_, err := awsauth.Files(profile)(t.Context())
		assert.ErrorContains(t, err, want, profile)
		assert.Empty(t, canary.Found(err.Error(), secretKey))
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", write(t, filepath.Join(home, "mine"), "[keys]\naws_access_key_id=AKIDMINE\naws_secret_access_key=x\n"))
	c, err = awsauth.Files("keys")(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "AKIDMINE", c.AccessKeyID)
}

const metadata = `{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIA1","SecretAccessKey":"secret-of-the-role","Token":"token-of-the-role","Expiration":"2099-11-09T13:34:41Z"}`

func TestContainer(t *testing.T) {
	home := bare(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer x" {
			w.WriteHeader(401)
			return
		}
		if r.URL.Path == "/redirect" {
			http.Redirect(w, r, "/creds", http.StatusFound)
			return
		}
		io.WriteString(w, metadata)
	}))
	defer server.Close()
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL+"/creds")
	_, err := awsauth.Default()(t.Context())
	require.ErrorContains(t, err, "status 401")
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", write(t, filepath.Join(home, "token"), "Bearer x\n"))
	c, err := awsauth.Default()(t.Context())
	require.NoError(t, err)
	assert.Equal(t, role, c)
	for uri, want := range map[string]string{
		server.URL + "/redirect": "status 302", "http://metadata.example.test/": "neither https nor of this machine", "http://user@127.0.0.1/": "without a user",
	} {
		t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
		_, err := awsauth.Container()(t.Context())
		assert.ErrorContains(t, err, want)
	}
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "")
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\nb")
	_, err = awsauth.Container()(t.Context())
	assert.ErrorContains(t, err, "has a line break")
}

func TestInstance(t *testing.T) {
	bare(t)
	var paths []string
	body := metadata
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.Method+" "+r.URL.Path)
		switch {
		case r.Method == http.MethodPut && r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
			io.WriteString(w, "of-version-2")
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "of-version-2":
			w.WriteHeader(401)
		case strings.HasSuffix(r.URL.Path, "/"):
			io.WriteString(w, "my-role\n")
		default:
			io.WriteString(w, body)
		}
	}))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL+"/")
	c, err := awsauth.Default()(t.Context())
	require.NoError(t, err)
	assert.Equal(t, role, c)
	assert.Equal(t, []string{"PUT /latest/api/token", "GET /latest/meta-data/iam/security-credentials/", "GET /latest/meta-data/iam/security-credentials/my-role"}, paths)
	for _, body = range []string{"", "{}", `{"Code":"AssumeRoleUnauthorizedAccess"}`, strings.Repeat("x", 1<<17)} {
		_, err := awsauth.Instance()(t.Context())
		assert.Error(t, err)
		assert.NotErrorIs(t, err, awsauth.ErrNoCredentials)
	}
	server.Close()
	_, err = awsauth.Default()(t.Context())
	require.ErrorIs(t, err, awsauth.ErrNoCredentials, "nobody is there")
}
