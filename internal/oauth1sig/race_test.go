//go:build race

package oauth1sig_test

const each = 200
