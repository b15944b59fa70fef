package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// of returns counts of the present system.
func of(all ...count) counts { return counts{here(), all} }

func TestAFileIsReadAsWritten(t *testing.T) {
	written := of(count{"bearer", 3000}, count{"fields into 57 kB of JSON", 1_700_000})
	read, err := parse(written.String())
	require.NoError(t, err)
	assert.Equal(t, written, read)
}

func TestAFileWithoutCountsIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty":            "",
		"a comment alone":  "# counts",
		"no paths":         "go1.26.8 linux/amd64\n",
		"no number":        "go1.26.8 linux/amd64\nbearer many\n",
		"one word":         "go1.26.8 linux/amd64\nbearer\n",
		"a number alone":   "go1.26.8 linux/amd64\n3000\n",
		"zero":             "go1.26.8 linux/amd64\nbearer 0\n",
		"a negative count": "go1.26.8 linux/amd64\nbearer -4\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(text)
			assert.ErrorContains(t, err, "-update")
		})
	}
}

func TestCountsOfTheSameReleaseCompare(t *testing.T) {
	for _, test := range []struct {
		kept, here system
		want       bool
	}{
		{"go1.26.8 linux/amd64", "go1.26.8 linux/amd64", true},
		{"go1.26.8 linux/amd64", "go1.26.9 linux/amd64", true},
		{"go1.26 linux/amd64", "go1.26.1 linux/amd64", true},
		{"go1.26.8 linux/amd64", "go1.27.0 linux/amd64", false},
		{"go1.26.8 linux/amd64", "go1.26.8 linux/arm64", false},
		{"go1.26.8 linux/amd64", "go1.26.8 darwin/amd64", false},
	} {
		assert.Equal(t, test.want, counts{of: test.kept}.comparable(test.here), "%s with %s", test.kept, test.here)
	}
}

func TestChangesBeyondTheToleranceAreNamed(t *testing.T) {
	kept := of(count{"bearer", 1000}, count{"API key", 2000})
	for name, test := range map[string]struct {
		measured counts
		want     []string // parts of the error; empty: no error
	}{
		"the same":          {kept, nil},
		"a little more":     {of(count{"bearer", 1029}, count{"API key", 2000}), nil},
		"a little less":     {of(count{"bearer", 971}, count{"API key", 2000}), nil},
		"more":              {of(count{"bearer", 1031}, count{"API key", 2000}), []string{"bearer takes 3.1 % more", "3 %", "-update"}},
		"less":              {of(count{"bearer", 1000}, count{"API key", 1938}), []string{"API key takes 3.1 % less", "-update"}},
		"both":              {of(count{"bearer", 900}, count{"API key", 3000}), []string{"bearer takes 10.0 % less", "API key takes 50.0 % more"}},
		"a new path":        {of(count{"bearer", 1000}, count{"API key", 2000}, count{"Basic", 5}), []string{"Basic is not in the file"}},
		"a path went":       {of(count{"bearer", 1000}), []string{"API key is in the file, and is no path"}},
		"another name":      {of(count{"Bearer", 1000}, count{"API key", 2000}), []string{"Bearer is not in the file", "bearer is in the file"}},
		"nothing was found": {of(), []string{"bearer is in the file", "API key is in the file"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.measured.compare(kept)
			if test.want == nil {
				assert.NoError(t, err)
				return
			}
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestTheTableTellsChanges(t *testing.T) {
	kept := of(count{"bearer", 1000})
	lines := strings.Split(of(count{"bearer", 1100}, count{"API key", 7}).table(kept), "\n")
	assert.Regexp(t, `^bearer +1100 +\+10\.0 %$`, lines[0])
	assert.Regexp(t, `^API key +7$`, lines[1])
}
