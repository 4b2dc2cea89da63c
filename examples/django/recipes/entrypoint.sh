#!/bin/sh
# What the postgres image starts: makes the database in an empty volume, then becomes postgres.
# POSTGRES_PASSWORD is needed for that first start; POSTGRES_USER (postgres) and POSTGRES_DB (the
# user's name) may be set. Any command but `postgres` is run as it is.
set -eu

case ${1-} in
-*) set -- postgres "$@" ;;
esac
if [ "${1-}" != postgres ]; then
	exec "$@"
fi

# All of it happens in a directory of its own, and PG_VERSION moves last: a first start that was
# killed half-way is recognised by that directory, and begun again.
new=$PGDATA/initdb
make_database() {
	umask 077
	user=${POSTGRES_USER:-postgres}
	db=${POSTGRES_DB:-$user}
	if [ -z "${POSTGRES_PASSWORD-}" ]; then
		echo "postgres: the volume is empty and POSTGRES_PASSWORD is not set" >&2
		exit 1
	fi
	if [ -d "$new" ]; then
		find "$PGDATA" -mindepth 1 -delete
	elif [ -n "$(ls -A "$PGDATA")" ]; then
		echo "postgres: '$PGDATA' is not empty and holds no database" >&2
		exit 1
	fi
	initdb -D "$new" -U "$user" --pwfile=/dev/stdin -E UTF8 --locale=C.UTF-8 \
		--auth-local=trust --auth-host=scram-sha-256 --no-instructions <<-END
		$POSTGRES_PASSWORD
	END
	echo "host all all all scram-sha-256" >> "$new/pg_hba.conf"
	if [ "$db" != postgres ]; then
		quoted=$(printf %s "$db" | sed 's/"/""/g')
		# Single-user mode: nobody can connect before the password is in force.
		echo "CREATE DATABASE \"$quoted\"" | postgres --single -D "$new" postgres >&2
	fi
	for file in "$new"/*; do
		[ "${file##*/}" = PG_VERSION ] || mv "$file" "$PGDATA/"
	done
	sync
	mv "$new/PG_VERSION" "$PGDATA/"
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
	make_database
fi
if [ -d "$new" ]; then
	rmdir "$new"
fi
unset POSTGRES_PASSWORD
exec "$@"
