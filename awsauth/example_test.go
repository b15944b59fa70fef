package awsauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/awsauth"
)

// Each request is signed. The service here shows what it gets.
func ExampleNew() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signature := r.Header.Get("Authorization")
		fmt.Println(signature[:strings.Index(signature, "/")])
		fmt.Println(strings.Contains(signature, "SignedHeaders=content-type;host;x-amz-date, Signature="))
	}))
	defer service.Close()

	connector, err := awsauth.New(awsauth.Config{
		Service: "execute-api", Region: "us-east-1",
		Credentials: awsauth.Static("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := connectorauth.NewClient(connector, service.Client()).Post(service.URL+"/orders", "application/json", strings.NewReader(`{}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE
	// true
	// 200 OK
}
