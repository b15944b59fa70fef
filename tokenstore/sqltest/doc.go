// Package sqltest tests tokenstore.SQL with real databases. The package is a
// module of its own, so the go.mod of the library lists no database
// drivers.
//
// The package exports nothing. Its examples show how to open tokenstore.SQL and accounts.SQL
// with a driver.
//
// # Where the databases are
//
// SQLite is part of the tests. The environment says where PostgreSQL and MySQL
// are:
//
//	CONNECTORAUTH_TEST_POSTGRES=postgres://user:password@host:port/database
//	CONNECTORAUTH_TEST_MYSQL=user:password@tcp(host:port)/database
//
// If a variable is empty, the tests start the server from the Debian package
// postgresql or mariadb-server, on a free loopback port and in a temporary
// directory. If the server is not installed, the tests are skipped. With
// CONNECTORAUTH_TEST_REQUIRE=1 the tests fail instead.
package sqltest
