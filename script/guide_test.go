package script_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
)

// install is the first block of Go in docs/scripts.md: what an author reads.
func install(source string, keep func(*script.Script)) string {
	compiled, err := script.Compile(source)
	var mistake *script.Error
	if errors.As(err, &mistake) {
		return fmt.Sprintf("line %d: %s", mistake.Line, mistake.Message) // line 0: the place is unknown
	}
	keep(compiled)
	return ""
}

// scripted is the second block.
func scripted(connector connectorauth.Connector, compiled *script.Script, tenant, accountID, secret string) (connectorauth.Connector, error) {
	var err error
	connector, err = script.Wrap(connector, compiled, script.Options{
		Tenant:      tenant,                               // who shares the processors with others
		MergeFields: map[string]any{"account": accountID}, // a long number as a string
		Parameters:  map[string]any{"secret": connectorauth.Secret(secret)},
	})
	return connector, err
}

func TestGuideForThePrograms(t *testing.T) {
	var compiled *script.Script
	keep := func(s *script.Script) { compiled = s }
	assert.Regexp(t, `^line 2: .+`, install("function before_action() {\n\treturn ;;)\n}", keep))
	assert.Nil(t, compiled)
	assert.Empty(t, install(`function before_action() {
		method_request_headers['X-Account'] = method_request_mergefields.account;
		method_request_headers['X-Signature'] = sign('HMAC-SHA256', script_parameters.secret, method_request_mergefields.account);
	}`, keep))

	connector, err := scripted(apiKey(), compiled, "acme", "7615917337495251231", "hush-hush")
	assert.NoError(t, err)
	s := newServer(t, nil)
	resp, err := connectorauth.NewClient(connector, nil).Get(s.URL)
	read(t, resp, err)
	assert.Equal(t, "7615917337495251231", s.last(t).Header.Get("X-Account"))
	assert.Equal(t, hexHMAC("hush-hush", "7615917337495251231"), s.last(t).Header.Get("X-Signature"))
}
