package sqltest

import "github.com/connectorauth/connectorauth/internal/test/child"

// sweepJobs has no jobs: the replicas end by signals.
var sweepJobs child.Jobs
