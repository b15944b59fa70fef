// Package accounts keeps the accounts of a program: who owns an account, by which definition
// and method the account was connected, and whether the account works. A [Registry] connects
// accounts and gives an authenticated [*http.Client] for each of them.
//
//	registry, err := accounts.New(accounts.Config{
//		Definitions: folder.Set, // of a *definition.Folder
//		Index:       new(accounts.Memory),
//		Store:       store,
//		Keys:        []tokenstore.Key{{ID: "2026", Secret: secret}},
//	})
//	if err != nil {
//		return err
//	}
//	account, err := registry.Connect(ctx, accounts.Request{
//		Owner: "user-17", Definition: "acme", Values: map[string]connectorauth.Secret{"apiKey": typed},
//	})
//	if err != nil {
//		return err // a *definition.InputError or *definition.CheckError says what to do
//	}
//	client, err := registry.Client(ctx, account.ID)
//
// # What is where
//
// The [Index] has one [Account] for each account: what a list shows, and no secret. The Store
// has what the account owner gave and the tokens, sealed with Keys. Each successful Connect
// and Reconnect makes a generation of both, under keys of the Store that begin with the ID of
// the account. The Account names the generation in use, so one write to the Index puts
// new values, a new token and a new identity to use together, or none of them.
//
// A [Memory] and a [tokenstore.Memory] are for tests and for one process. An empty field of
// [Config] means a default, or leaves something out; [New] lists the fields that are required.
//
// # Connecting
//
// [Registry.Connect] tests the values before the account is kept. Where the account owner must consent
// first, the account is StatusConnecting until the consent is finished. A [Flow] leads through
// the consent, and is a consent.Flow, which the Flow of a consent.Config returns:
//
//	config.Flow = func(r *http.Request, id string) (consent.Flow, error) {
//		account, err := registry.Get(r.Context(), id)
//		if err != nil || account.Owner != signedIn(r) {
//			return nil, consent.ErrNotAllowed
//		}
//		return registry.Flow(r.Context(), id)
//	}
//
// [Registry.Ready] says for which methods the program has a client, and whatever else a program
// must give. Package pages offers account owners no other method.
//
// [Registry.Reconnect] gives an account new values or a new consent and keeps the ID. The account goes
// on as before until the new credential has passed the test, and stays as before if the new
// credential opens the account of somebody else. An owner has each account of a service once:
// see DuplicateError.
//
// [Registry.Import] brings accounts from elsewhere, with or without their tokens.
//
// # Lists and tests
//
// [Registry.List] returns a page of accounts, such as those of an owner, and [Registry.All] all of
// them. [Registry.Test] asks the service whether an account works, and notes the answer. A
// status of the account, such as [StatusReauthRequired], says whose owner must come again.
//
// # MCP servers
//
// An account at a server of the Model Context Protocol needs no more than the URL of the
// server: see AnyServer of package mcp. Until the owner has consented, nobody knows the
// authorization server. Each MCP server has a callback URL of its own, unless the program
// gives package pages or consent a Callback.
//
// # Unused accounts
//
// Refresh tokens and sessions of many services end when nobody uses them. [Registry.Sweep] renews them in
// time, in as many processes as call Sweep: from a cron job or a workflow engine, or by Run,
// which is the loop. The member keepAlive of a method says how often, and so do refreshLifetime
// and refreshIdle. Where renewals do not move the end of a token, [Account.ReauthWithin] tells
// whose owners must come. [Registry.Shutdown] ends Run, and loses nothing.
//
// # Faults
//
// An outage of the Store, the Index or [Config].Connection is no fault of an account: statuses
// stay, and Sweep tries again after two minutes. Neither is what a process lacks, such as the
// registration at the service, a definition or its revision: Sweep logs an error, and leaves
// the accounts to other processes, or tries again after ten minutes. A provider that hangs, or
// asks for a pause, holds up the accounts of its own definition alone.
//
// Once [Registry.Disconnect] has returned nil, nothing of the account is in the Store, and clients,
// renewals and consents that are left anywhere put nothing there.
//
// # Keys
//
// The first of Keys seals, and all keys open. To replace a key, a program puts the new key second,
// then first, calls [Registry.Reseal], and removes the old key. Reseal seals all values of the
// Store again, and names each that no key opens.
//
// # Owners and actors
//
// A Registry does not know who is signed in. A program compares [Account].Owner before the
// program shows or changes an account, as above. Package pages does so for each page and each
// response of its JSON API. [Registry.As] says who acts, for [Config].Audit.
//
// # Several processes
//
// Processes with the same Index, Store and Keys have the same accounts. For several processes,
// the Index is a SQL. [Registry.Client] reads the Index each time, and so sees what other processes have
// changed or disconnected: ask for a client for each piece of work, and do not keep clients.
package accounts
