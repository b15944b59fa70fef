package awsauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/awsauth"
	"github.com/connectorauth/connectorauth/definition"
)

// show prints where credentials come from, and no secret.
func show(source awsauth.Source) {
	credentials, err := source(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(credentials.AccessKeyID, "session:", credentials.SessionToken != "", "expires:", !credentials.Expiry.IsZero())
}

// machine gives the environment of a machine to an example: no variable of AWS but those
// given. The function restores the environment.
func machine(variables map[string]string) (restore func()) {
	before := os.Environ()
	for _, pair := range before {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			os.Unsetenv(name)
		}
	}
	for name, value := range variables {
		os.Setenv(name, value)
	}
	return func() {
		for name := range variables {
			os.Unsetenv(name)
		}
		for _, pair := range before {
			if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
				os.Setenv(name, value)
			}
		}
	}
}

// file writes a file for an example.
func file(text string) (path string, remove func()) {
	f, err := os.CreateTemp("", "awsauth")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		panic(err)
	}
	return filepath.ToSlash(f.Name()), func() { os.Remove(f.Name()) }
}

// tokenService starts a Security Token Service, which prints what was asked.
func tokenService() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := r.PostFormValue("Action")
		fmt.Println(action, r.PostFormValue("RoleArn"), "signed:", r.Header.Get("Authorization") != "")
		fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
			<SessionToken>token</SessionToken><Expiration>2099-11-09T13:34:41Z</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, action)
	}))
}

// exampleMetadata is what the metadata services of containers and instances respond.
const exampleMetadata = `{"Code": "Success", "AccessKeyId": "ASIAHERE", "SecretAccessKey": "secret", "Token": "token", "Expiration": "2099-11-09T13:34:41Z"}`

// A Source is a function: here, that of the program's own keys.
func ExampleStatic() {
	show(awsauth.Static("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""))
	// Output: AKIDEXAMPLE session: false expires: false
}

// Default looks in the usual places. Here the environment has credentials.
func ExampleDefault() {
	defer machine(map[string]string{"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "secret"})()
	show(awsauth.Default())
	show(awsauth.Environment()) // this place alone
	// Output:
	// AKIDENV session: false expires: false
	// AKIDENV session: false expires: false
}

// A profile of the files that the command line of AWS has written.
func ExampleFiles() {
	path, remove := file("[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = secret\n")
	defer remove()
	defer machine(map[string]string{"AWS_SHARED_CREDENTIALS_FILE": path})() // or .aws/credentials in the home directory
	show(awsauth.Files("work"))
	// Output: AKIDWORK session: false expires: false
}

// Credentials of the program are exchanged for those of a role.
func ExampleAssumeRole() {
	sts := tokenService()
	defer sts.Close()
	role := awsauth.RoleConfig{
		RoleARN: "arn:aws:iam::123456789012:role/reader", Region: "eu-west-1",
		Endpoint: sts.URL, // empty means the endpoint of the region
	}
	show(awsauth.AssumeRole(role, awsauth.Static("AKIDEXAMPLE", "secret", "")))
	// Output:
	// AssumeRole arn:aws:iam::123456789012:role/reader signed: true
	// ASIAROLE session: true expires: true
}

// The token of another identity provider is exchanged for the credentials of a role.
func ExampleAssumeRoleWithWebIdentity() {
	sts := tokenService()
	defer sts.Close()
	path, remove := file("the token of a workload")
	defer remove()
	role := awsauth.RoleConfig{RoleARN: "arn:aws:iam::123456789012:role/reader", Region: "eu-west-1", Endpoint: sts.URL}
	show(awsauth.AssumeRoleWithWebIdentity(role, awsauth.TokenFile(path)))
	// Output:
	// AssumeRoleWithWebIdentity arn:aws:iam::123456789012:role/reader signed: false
	// ASIAROLE session: true expires: true
}

// Kubernetes names the role and the file with the token in the environment.
func ExampleWebIdentity() {
	sts := tokenService()
	defer sts.Close()
	path, remove := file("the token of a workload")
	defer remove()
	defer machine(map[string]string{
		"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/pod", "AWS_WEB_IDENTITY_TOKEN_FILE": path, "AWS_REGION": "eu-west-1",
		"AWS_ENDPOINT_URL_STS": sts.URL, // a program leaves the endpoint to the region
	})()
	show(awsauth.WebIdentity())
	// Output:
	// AssumeRoleWithWebIdentity arn:aws:iam::123456789012:role/pod signed: false
	// ASIAROLE session: true expires: true
}

// ECS and EKS give a container the URL of its credentials.
func ExampleContainer() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, exampleMetadata) }))
	defer service.Close()
	defer machine(map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": service.URL})()
	show(awsauth.Container())
	// Output: ASIAHERE session: true expires: true
}

// An instance of EC2 asks the metadata service for a token first (version 2).
func ExampleInstance() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL)
		switch {
		case r.Method == http.MethodPut:
			io.WriteString(w, "token")
		case strings.HasSuffix(r.URL.Path, "/"):
			io.WriteString(w, "the-role")
		default:
			io.WriteString(w, exampleMetadata)
		}
	}))
	defer service.Close()
	defer machine(map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": service.URL})()
	show(awsauth.Instance())
	// Output:
	// PUT /latest/api/token
	// GET /latest/meta-data/iam/security-credentials/
	// GET /latest/meta-data/iam/security-credentials/the-role
	// ASIAHERE session: true expires: true
}

// A definition whose accounts bring keys of AWS.
func ExampleKind() {
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		signature, _, _ := strings.Cut(r.Header.Get("Authorization"), "/")
		fmt.Println(signature)
	}))
	defer service.Close()
	d, err := definition.Parse("acme.json", []byte(`{
		"connectorauth": 1, "name": "acme", "baseUrl": "`+service.URL+`",
		"methods": [{"name": "keys", "type": "AWS", "service": "execute-api", "region": "eu-west-1",
			"accessKeyId": "{id}", "secretAccessKey": "{key}", "inputs": [{"name": "id"}, {"name": "key", "secret": true}]}]
	}`), definition.Options{Kinds: []definition.Kind{awsauth.Kind(nil)}}) // nil: no roles
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := d.Connect(definition.Connection{Values: map[string]connectorauth.Secret{"id": "AKIDEXAMPLE", "key": "secret"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := connectorauth.NewClient(account.Connector(), nil).Get(service.URL + "/orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	// Output: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE
}
