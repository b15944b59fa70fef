// Package otelauth tells OpenTelemetry what happens to the tokens of connectors, as metrics
// and spans. The package needs the API of OpenTelemetry alone; a program chooses the SDK and
// the exporters.
//
//	observer, err := otelauth.New(otelauth.Config{Stats: registry.Stats})
//	if err != nil {
//		return err
//	}
//	log := connectorauth.LogEvents(nil)
//	config.Observe = func(e connectorauth.Event) {
//		observer.Observe(e)
//		log(e)
//	}
//
// Stats is for programs with an [accounts.Registry], and config is that of any connector. Where
// config is that of the Registry, the program makes the Observer first, and Stats is a function
// that calls the Registry.
//
// # Metrics
//
//	connectorauth.renewal.duration  histogram, s         from the beginning of a renewal to its token, or to its failure
//	connectorauth.store.failures    counter, {failure}   what the token store did not do, so nothing was sent or saved
//	connectorauth.accounts          gauge, {account}     how many accounts have a status; see Config.Stats
//	connectorauth.sweep.lag         gauge, s             how long the oldest overdue account has been due, 0 if none is; see Config.Stats
//
// The attributes are few, and each has few values:
//
//	service     the name of the definition (connectorauth.Event.Service); absent without a definition
//	outcome     of a renewal: renewed, adopted (another process has renewed), failed (for now), reauth_required (the account owner must act)
//	error.type  connectorauth.Event.Cause, such as invalid_grant, timeout or store; absent without an error
//	status      of accounts: connecting, ok, failing, reauth_required or disconnected
//
// An [Observer] keeps the first 200 values of an attribute and counts all further values as
// "_OTHER". No attribute has an account, an owner, the host of an endpoint, or the text of an
// error: each may name a person or a tenant. Logs are the place for accounts: see
// [connectorauth.LogEvents].
//
// # Spans
//
// A span connectorauth.renewal covers each renewal, and a span connectorauth.token_request
// within covers the token request, if there was one: the time before is the time of the store,
// its lock, and the queue of the endpoint. The span of a renewal is a child of the request
// that waits for the token; of several requests that wait, the one that began the renewal.
// A renewal for which no request waits is a trace of its own, with a link to the request that
// began the renewal, because such a renewal may outlive the request.
//
// Spans have the attributes of the metrics, and server.address and server.port for the host
// of the token requests. Spans are made when a renewal has ended, with the times of the
// renewal. So spans that a transport makes for HTTP requests are children of the request
// that waits too, and not of the spans of this package.
package otelauth
