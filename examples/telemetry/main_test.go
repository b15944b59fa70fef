package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// metricName matches the name of a metric in a query or a scrape.
var metricName = regexp.MustCompile(`\bconnectorauth_[a-z_]+`)

// names returns the names of the metrics in a text.
func names(text string) []string {
	found := metricName.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestDashboardAndScrapeHaveTheSameMetrics(t *testing.T) {
	var logs bytes.Buffer
	scraped, err := run(t.Context(), &logs)
	require.NoError(t, err)
	document, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct{ List []struct{ Query string } }
	}
	require.NoError(t, json.Unmarshal(document, &dashboard))
	var queries string
	for _, variable := range dashboard.Templating.List {
		queries += variable.Query + "\n"
	}
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			assert.NotEmpty(t, names(target.Expr), panel.Title)
			queries += target.Expr + "\n"
		}
	}
	exposed := names(regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(scraped, ""))
	assert.Equal(t, exposed, names(queries), "each metric is shown, and each metric that is shown exists")
	for _, label := range []string{`service="acme"`, `service="globex"`, `outcome="renewed"`, `outcome="reauth_required"`, `error_type="invalid_grant"`, `error_type="503"`, `status="ok"} 2`, `status="failing"} 1`, `status="reauth_required"} 1`, `connectorauth_sweep_lag_seconds{`} {
		assert.Contains(t, scraped, label)
	}
	assert.NotContains(t, scraped, "alice", "accounts are in the logs alone")
	assert.Contains(t, logs.String(), "alice")
}
