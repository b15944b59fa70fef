// Package pages lets people connect accounts and look after them.
package pages
