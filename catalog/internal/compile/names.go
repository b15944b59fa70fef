package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// methodName returns the name of a method in a definition.
func methodName(kind, grant any) string {
	switch kind {
	case "ApiKey":
		return "key"
	case "OAuth2":
		switch grant {
		case "client_credentials", "account_credentials":
			return "client"
		case "password":
			return "password"
		}
		return "oauth"
	case "AuthFields":
		return "fields"
	case "Session":
		return "login"
	}
	return strings.ToLower(fmt.Sprint(kind))
}

// methodTitle returns what people choose a method by.
func methodTitle(name string) string {
	if name != "oauth1" {
		name = strings.TrimRight(name, "-0123456789")
	}
	return map[string]string{
		"oauth": "Consent in the browser (OAuth 2.0)", "oauth1": "Consent in the browser (OAuth 1.0a)", "password": "Password",
		"client": "Client ID and client secret", "key": "API key", "basic": "User name and password",
		"fields": "Key in each message", "login": "Login",
	}[name]
}

// unique returns a name that the others do not have, and adds the name to them.
func unique(name string, others map[string]bool) string {
	free := name
	for i := 2; others[free]; i++ {
		free = fmt.Sprintf("%s-%d", name, i)
	}
	others[free] = true
	return free
}

// braces matches an input in a template of the seed.
var braces = regexp.MustCompile(`\{([A-Za-z0-9_]+)\}`)

// inputsOf returns the names of the inputs in templates.
func inputsOf(templates ...string) (names []string) {
	for _, template := range templates {
		for _, match := range braces.FindAllStringSubmatch(template, -1) {
			if !slices.Contains(names, match[1]) {
				names = append(names, match[1])
			}
		}
	}
	return names
}

// title makes words of a name: apiKey and api_key become API key.
func title(name string) string {
	var words []string
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '_' || r == '-' }) {
		from := 0
		for i, r := range part {
			if i > from && unicode.IsUpper(r) && !unicode.IsUpper(rune(part[i-1])) {
				words, from = append(words, part[from:i]), i
			}
		}
		words = append(words, part[from:])
	}
	for i, word := range words {
		switch lower := strings.ToLower(word); lower {
		case "api", "id", "url", "sms":
			words[i] = strings.ToUpper(word)
		default:
			words[i] = lower
		}
	}
	text := strings.Join(words, " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// addressWord matches words for an address, of which a form takes the host alone.
var addressWord = regexp.MustCompile(`(?i)^(api|base|root|sanitized)?\s*(url|uri|issuer|string)$|\s+ur[li]$`)

// hostTitle returns the title of an input that takes a host: people who are asked for a URL
// give a URL, which is refused.
func hostTitle(title string) string {
	short := strings.TrimSpace(addressWord.ReplaceAllString(title, ""))
	switch {
	case short == title:
		return title
	case slices.Contains([]string{"", "base", "host", "sanitized"}, strings.ToLower(short)):
		return "Host"
	}
	return short + " host"
}

// secretWord matches the names of values that nobody should see.
var secretWord = regexp.MustCompile(`(?i)(key|token|secret|password|passw|auth|credential)`)

// publicWord matches the names of values that are no secret, whatever else is in the name.
var publicWord = regexp.MustCompile(`(?i)(user_?name|email|login|_id$|Id$|ID$|public)`)

func isSecret(name string) bool { return secretWord.MatchString(name) && !publicWord.MatchString(name) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
