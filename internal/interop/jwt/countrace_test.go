//go:build race

package jwt_test

// count is less than without the race detector, which makes RSA slow.
const count = 100
