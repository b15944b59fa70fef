//go:build !race

package jwt_test

// count is how many tokens there are of each algorithm.
const count = 1000
