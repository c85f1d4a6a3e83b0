#!/bin/sh
# A throw-away PostgreSQL for the tests.
#
#   scripts/postgres.sh start   starts one unless it runs, and prints its URL
#   scripts/postgres.sh url     prints the URL of the one that runs
#   scripts/postgres.sh stop    stops it and deletes it
#
# Use:  SOQUY_TEST_POSTGRES=$(scripts/postgres.sh start) go test ./...
#
# It takes the newest installed server, found in /usr/lib/postgresql/*/bin, in $PG_BIN or on PATH, makes a cluster in
# $SOQUY_POSTGRES_DIR (default: soquy-postgres-$USER in the temporary folder), listens on 127.0.0.1 on a free port and on
# a socket in that folder, and lets nobody else in: the superuser "postgres" has a random password. fsync stays on.
# PostgreSQL refuses to run as root; root runs it as the user "postgres".
set -eu

user=$(id -un)
dir=${SOQUY_POSTGRES_DIR:-${TMPDIR:-/tmp}/soquy-postgres-$user}

die() { echo "postgres.sh: $*" >&2; exit 1; }

bin() {
    for d in "${PG_BIN:-}" $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5,5nr); do
        [ -n "$d" ] && [ -x "$d/postgres" ] && [ -x "$d/initdb" ] && { echo "$d"; return; }
    done
    found=$(command -v postgres) && { dirname "$found"; return; }
    die "no PostgreSQL server found; install one, or set PG_BIN to its folder"
}

# as runs a command as the user that owns the cluster.
as() {
    if [ "$user" = root ]; then
        if command -v runuser >/dev/null; then runuser -u postgres -- "$@"; else su postgres -s /bin/sh -c 'exec "$0" "$@"' "$@"; fi
    else
        "$@"
    fi
}

running() { [ -s "$dir/url" ] && as "$(bin)/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; }

start() {
    if running; then cat "$dir/url"; return; fi
    pg=$(bin)
    rm -rf "$dir"
    mkdir -m 700 "$dir"
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s' "$password" >"$dir/password"
    if [ "$user" = root ]; then
        id postgres >/dev/null 2>&1 || die "run as root, there must be a user postgres"
        chown -R postgres "$dir"
    fi
    (
        cd /
        as "$pg/initdb" -D "$dir/data" -U postgres --pwfile="$dir/password" --auth=scram-sha-256 \
            --encoding=UTF8 --locale=C --no-instructions
    ) >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; die "initdb failed"; }

    # The system gives a free port only to who binds it, so a guess is tried, and another one where it was taken.
    tries=0
    while :; do
        port=$(($(od -An -N2 -tu2 /dev/urandom) % 20000 + 40000))
        options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='$dir' -c fsync=on \
            -c max_connections=100 -c shared_buffers=256MB -c max_wal_size=2GB -c log_min_messages=warning"
        if (cd / && as "$pg/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 -o "$options" start) >/dev/null 2>&1; then
            break
        fi
        tries=$((tries + 1))
        [ $tries -lt 5 ] || { cat "$dir/data/server.log" >&2; die "the server does not start"; }
    done
    echo "postgres://postgres:$password@127.0.0.1:$port/postgres?sslmode=disable" >"$dir/url"
    cat "$dir/url"
}

stop() {
    [ -d "$dir" ] || return 0
    if [ -f "$dir/data/postmaster.pid" ]; then
        (cd / && as "$(bin)/pg_ctl" -D "$dir/data" -m fast -w stop) >/dev/null || die "the server does not stop"
    fi
    rm -rf "$dir"
}

case "${1:-}" in
start) start ;;
stop) stop ;;
url) running || die "it does not run"; cat "$dir/url" ;;
*) die "usage: $0 start|stop|url" ;;
esac
