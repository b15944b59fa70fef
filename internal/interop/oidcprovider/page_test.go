package oidcprovider_test

import "testing"

// A difference is what differs from the reference client, and why.
type difference struct {
	request, part string // beginnings
	ours, theirs  string
	why           string
}

// explains reports whether d is the difference of a part of a request.
func (d difference) explains(_ flow, request, part, ours, theirs string) bool { return false }

var known []difference

func keep(*testing.T, []row) {}
