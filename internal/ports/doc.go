// Package ports says why a program cannot listen at a port. Systems have errors of their own, and
// Windows never returns syscall.EADDRINUSE.
package ports
