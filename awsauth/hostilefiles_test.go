package awsauth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/awsauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
)

func TestFilesInTheStyleOfTheirOwners(t *testing.T) {
	for name, text := range map[string]string{
		"CRLF":             "[default]\r\naws_access_key_id = AKID\r\naws_secret_access_key = a/b+c=\r\n",
		"indented":         "[default]\n  aws_access_key_id = AKID\n  aws_secret_access_key = a/b+c=\n",
		"tabs":             "[ default ]\n\taws_access_key_id\t=\tAKID\n\taws_secret_access_key=a/b+c=\t# mine\n",
		"nested":           "[default]\naws_access_key_id = AKID\ns3 =\n  aws_access_key_id = OTHER\n  aws_secret_access_key = other\naws_secret_access_key = a/b+c=\n",
		"comments":         "# aws_access_key_id = X\n[default] # mine\n; aws_access_key_id = X\naws_access_key_id = AKID ; mine\n  # aws_access_key_id = X\naws_secret_access_key = a/b+c= # mine\n",
		"no end of line":   "[default]\naws_access_key_id=AKID\naws_secret_access_key=a/b+c=",
		"byte order mark":  "\ufeff[default]\naws_access_key_id=AKID\naws_secret_access_key=a/b+c=",
		"capital letters":  "[default]\nAWS_ACCESS_KEY_ID=AKID\nAws_Secret_Access_Key=a/b+c=",
		"another section":  "[default]\naws_access_key_id=AKID\naws_secret_access_key=a/b+c=\n[sso-session default]\naws_access_key_id=OTHER\n",
		"without a header": "aws_access_key_id=OTHER\n[default]\naws_access_key_id=AKID\naws_secret_access_key=a/b+c=\n",
	} {
		t.Run(name, func(t *testing.T) {
			home := bare(t)
			write(t, filepath.Join(home, ".aws", "credentials"), text)
			c, err := awsauth.Files("")(t.Context())
			require.NoError(t, err)
			assert.Equal(t, awsauth.Credentials{AccessKeyID: "AKID", SecretAccessKey: "a/b+c="}, c)
		})
	}
}

func TestProfileWithHalfAKeySaysSo(t *testing.T) {
	home := bare(t)
	write(t, filepath.Join(home, ".aws", "credentials"), "[default]\naws_access_key_id=AKID\n")
	_, err := awsauth.Default()(t.Context())
	assert.ErrorContains(t, err, "aws_secret_access_key")
}

func TestRoleIsAssumedAtTheServiceOfItsPartition(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1":  "sts.eu-west-1.amazonaws.com",
		"cn-north-1": "sts.cn-north-1.amazonaws.com.cn",
	} {
		var hosts []string
		source := awsauth.AssumeRole(awsauth.RoleConfig{
			RoleARN: "arn", Region: region,
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				hosts = append(hosts, req.URL.Host)
				return fakehttp.Respond(403, ""), nil
			})},
		}, awsauth.Static("AKID", secretKey, ""))
		_, err := source(t.Context())
		require.Error(t, err)
		assert.Equal(t, []string{want}, hosts)
	}
}

func TestHostileResponsesOfTheSecurityTokenService(t *testing.T) {
	for name, body := range map[string]string{
		"entities":    `<!DOCTYPE x [<!ENTITY a "AKID"><!ENTITY b SYSTEM "file:///etc/passwd">]><AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>&a;</AccessKeyId><SecretAccessKey>&b;</SecretAccessKey></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		"deep":        strings.Repeat("<a>", 100_000),
		"html":        "<html>sign in</html>",
		"a bad date":  `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey><Expiration>soon</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		"a line feed": "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>b\nc</SecretAccessKey></Credentials></AssumeRoleResult></AssumeRoleResponse>",
		"nothing":     "",
	} {
		source := awsauth.AssumeRole(awsauth.RoleConfig{
			RoleARN: "arn", Region: "eu-west-1",
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) { return fakehttp.Respond(200, body), nil })},
		}, awsauth.Static("AKID", secretKey, ""))
		c := open(t, func(c *awsauth.Config) { c.Credentials = source })
		base := new(fakehttp.Base)
		_, err := c.Wrap(base).RoundTrip(request(t, http.MethodGet, home, nil))
		assert.Error(t, err, name)
		assert.Empty(t, base.Requests(), name)
	}
}

func TestFileThatCannotBeReadIsAnError(t *testing.T) {
	home := bare(t)
	require.NoError(t, os.MkdirAll(filepath.Join(home, ".aws", "credentials"), 0o700)) // a directory
	_, err := awsauth.Default()(t.Context())
	require.Error(t, err)
	assert.NotErrorIs(t, err, awsauth.ErrNoCredentials)
}

func TestRoleWithoutARegionIsAnError(t *testing.T) {
	_, err := awsauth.AssumeRole(awsauth.RoleConfig{RoleARN: "arn"}, awsauth.Static("AKID", secretKey, ""))(t.Context())
	assert.ErrorContains(t, err, "Region: ")
}

func TestResponseOfAMetadataServiceIsLimited(t *testing.T) {
	for size, want := range map[int]string{64 << 10: "", 64<<10 + 1: "longer than"} {
		bare(t)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			text := `{"AccessKeyId":"AKID","SecretAccessKey":"x"}`
			io.WriteString(w, text+strings.Repeat(" ", size-len(text)))
		}))
		t.Cleanup(server.Close)
		t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL)
		_, err := awsauth.Container()(t.Context())
		if want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, want)
		}
	}
}

func TestCredentialsThatNoHeaderHolds(t *testing.T) {
	for _, c := range []awsauth.Source{awsauth.Static("AKID\x7f", "s", ""), awsauth.Static("AKIÐ", "s", ""), awsauth.Static("AKID", "s", "t\x00")} {
		_, err := open(t, func(config *awsauth.Config) { config.Credentials = c }).Wrap(new(fakehttp.Base)).RoundTrip(request(t, http.MethodGet, home, nil))
		assert.ErrorContains(t, err, "another character")
	}
}

func TestChunksOfABodyThatFillsThem(t *testing.T) {
	for _, size := range []int{1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 128 << 10} {
		base := new(fakehttp.Base)
		send(t, open(t, s3(awsauth.PayloadChunked)), base, request(t, http.MethodPut, home+"/key", strings.NewReader(strings.Repeat("x", size))))
		assert.EqualValues(t, len(base.Requests()[0].Body), base.Requests()[0].ContentLength, size)
	}
}
