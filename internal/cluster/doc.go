// Package cluster gives tests whole PostgreSQL clusters of their own: servers that they may kill, restart, fill, replicate, promote
// and restore, which a database on a shared server does not allow.
//
// Each cluster has a folder of its own on disk, listens on 127.0.0.1 on a port of its own, has a random password, and syncs what it
// commits (fsync is on). All of it is gone when the test ends. When the test process dies, the server ends, too (on Linux), and only
// the folder is left. Root runs the server as the user
// "postgres", since PostgreSQL refuses to run as root. Without an installed server such tests are skipped, except in continuous
// integration (CI=true), where they fail: a suite that was never run must not look green.
//
// The package knows clusters alone: for a database on a server that is there, see internal/pgtest.
package cluster
