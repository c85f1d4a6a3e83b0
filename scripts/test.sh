#!/bin/sh
# The test command: installs what the tests need on a fresh Debian machine with Go, starts a PostgreSQL of its own, checks the
# code and runs every test.
#
#   scripts/test.sh            everything
#   scripts/test.sh ./domain   the tests of some packages
#
# As root it installs PostgreSQL, hledger and Beancount with apt-get where they are missing; another user is told what to install.
set -eu
cd "$(dirname "$0")/.."

have_postgres() { ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || [ -x "${PG_BIN:-/nowhere}/postgres" ] || command -v postgres >/dev/null; }

if ! have_postgres; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "test.sh: the tests need PostgreSQL 15 or later: install the package 'postgresql' (or set PG_BIN)" >&2
        exit 1
    fi
    echo "== installing PostgreSQL"
    apt-get update -qq
    # No cluster of the distribution's: the tests start their own.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null
    mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
fi

# Programs that are not ours check the journals of soquy export.
for referee in hledger beancount; do
    program=$referee
    [ "$referee" = beancount ] && program=bean-check
    command -v "$program" >/dev/null && continue
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "== installing $referee"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$referee" >/dev/null
    elif [ "${CI:-}" = true ]; then
        echo "test.sh: the tests need $program: install the package '$referee'" >&2
        exit 1
    else
        echo "test.sh: tests with $program are skipped: install the package '$referee' to run them" >&2
    fi
done

SOQUY_POSTGRES_DIR=$(mktemp -d "${TMPDIR:-/tmp}/soquy-test.XXXXXX")/cluster
export SOQUY_POSTGRES_DIR
chmod 755 "$(dirname "$SOQUY_POSTGRES_DIR")"
cleanup() {
    scripts/postgres.sh stop >/dev/null 2>&1 || true
    rm -rf "$(dirname "$SOQUY_POSTGRES_DIR")"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

echo "== starting PostgreSQL"
SOQUY_TEST_POSTGRES=$(scripts/postgres.sh start)
export SOQUY_TEST_POSTGRES

if [ $# -gt 0 ]; then
    go test "$@"
    exit
fi

echo "== formatting"
unformatted=$(go tool gofumpt -l $(git ls-files '*.go' 2>/dev/null || find . -name '*.go'))
if [ -n "$unformatted" ]; then
    echo "not formatted as gofumpt does:" >&2
    echo "$unformatted" >&2
    exit 1
fi
echo "== go vet"
go vet ./...
echo "== staticcheck"
go tool staticcheck ./...
echo "== go test"
go test -timeout 13m ./...
echo "== programs that are not ours"
(cd internal/tlogtest && go vet ./... && go test -timeout 5m ./...)
