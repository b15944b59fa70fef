package tokenstore

// An Engine is a kind of SQL database.
type Engine string

// The engines.
const (
	PostgreSQL Engine = "postgres" // PostgreSQL 9.5 or later, and databases with the same SQL
	MySQL      Engine = "mysql"    // MySQL 5.7 or later, and MariaDB
	SQLite     Engine = "sqlite"   // SQLite 3.24 or later
)
