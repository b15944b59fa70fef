package script_test

import (
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The functions of the package end where a script begins. The engine would show a script
// all functions on the stack, and so the one that calls Go.
func TestNoScriptSeesTheStack(t *testing.T) {
	const source = `function before_action() {
		var seen = [];
		Error.prepareStackTrace = function(error, sites) { seen = seen.concat(sites); return '' };
		try { sign('unknown', 'k', 'm') } catch (e) { e.stack }
		md5({toJSON: function() { new Error().stack; return Error.captureStackTrace({}) || 'text' }});
		if (seen.length) throw 'the script has seen ' + seen.map(function(site) { return site.getFunction() });
		throw 'seen nothing';
	}`
	api := on(t, source, "", script.Options{TimeLimit: time.Minute})
	for range 2 { // on a machine that was used
		_, err := api.Get("https://api.example.com/")
		require.Error(t, err)
		assert.ErrorContains(t, err, "seen nothing")
	}
}

// A function of Go takes little of the fuel of a machine: the limit of time holds before
// each call, also if the script catches what each call throws.
func TestTheLimitHoldsBeforeEachCall(t *testing.T) {
	errs, err := script.CallsAfterTheLimit(t.Context())
	require.NoError(t, err)
	require.Len(t, errs, 2)
	for what, err := range errs {
		assert.ErrorContains(t, err, "took too long", what)
	}
}
