// Package sqltest tests tokenstore.SQL against the databases themselves. It is a
// module of its own, so that their drivers stay out of the library's go.mod.
//
// SQLite is built in. PostgreSQL and MySQL are found by the environment:
//
//	CONNECTORAUTH_TEST_POSTGRES=postgres://user:password@host:port/database
//	CONNECTORAUTH_TEST_MYSQL=user:password@tcp(host:port)/database
//
// Without these, the tests start the servers that Debian installs with
// postgresql and mariadb-server, on free loopback ports and in a temporary
// directory. Where neither is there, tests are skipped, or fail if
// CONNECTORAUTH_TEST_REQUIRE=1.
package sqltest
