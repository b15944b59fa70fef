// Package ports says why a program cannot listen at a port. Systems have errors of their own, and
// syscall.EADDRINUSE is none that Windows returns.
package ports
