package oidcprovider_test

func renewals(string) error { return nil }
