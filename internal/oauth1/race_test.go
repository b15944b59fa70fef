//go:build race

package oauth1_test

const each = 200
