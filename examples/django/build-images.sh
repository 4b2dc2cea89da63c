#!/bin/bash
# Makes the example's images from Debian's packages: no registry, no container engine. As root.
#   build-images.sh OUTDIR [--web-only]
# Needs the Debian packages mmdebstrap and python3. OUTDIR gets postgres.tar and web.tar (OCI
# archives) and nginx.tar (as `docker save` writes them). Layers are kept in OUTDIR/../build, and
# only what changed is made again: after an edit below app/ that is web's last layer, in seconds.
# Remove that directory to take in newer Debian packages.
set -euo pipefail
umask 022
export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
# Python marks what it compiles by content, not by time, where this is set.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1767225600}

usage() {
	echo "usage: build-images.sh OUTDIR [--web-only]" >&2
	exit 2
}

fail() {
	echo "build-images.sh: $*" >&2
	exit 1
}

[ $# -ge 1 ] && [ $# -le 2 ] && [ "${1#-}" = "$1" ] || usage
[ $# -eq 1 ] || [ "$2" = --web-only ] || usage
[ "$(id -u)" = 0 ] || fail "only root can make root file systems"
for tool in mmdebstrap /usr/bin/python3; do
	command -v "$tool" > /dev/null || fail "'$tool' is missing: apt install mmdebstrap python3"
done
web_only=${2-}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
build=$(dirname "$out")/build
mkdir -p "$build"
exec 9> "$build/lock"
flock 9

# fresh FILE KEY INPUT...: whether FILE was made from these inputs; else sets $key for `made`.
fresh() {
	local file=$1 word=$2
	shift 2
	key=$(cd "$here" && { echo "$word $SOURCE_DATE_EPOCH" &&
		find "$@" -name __pycache__ -prune -o -type f -print0 |
		sort -z | xargs -0 sha256sum; } | sha256sum)
	[ -e "$file" ] && [ "$(cat "$file.key" 2> /dev/null)" = "$key" ]
}

# made FILE STAMP KEY: FILE now is what these inputs give.
made() {
	echo "$3" > "$2"
	echo "made ${1##*/}: $(du -h "$1" | cut -f1)"
}

# install_packages DIR OPTION...: Debian packages into the root file system at DIR.
install_packages() {
	local dir=$1 log=$build/${1##*/}.log
	shift
	# Its own mount namespace: whatever kills it, nothing stays mounted.
	unshare --mount mmdebstrap --mode=root --variant=custom --skip=check/empty --format=directory \
		--dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-include=/usr/share/doc/*/copyright' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/info/*' \
		--dpkgopt='path-exclude=/usr/share/i18n/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=*/LC_MESSAGES/*.po' \
		"$@" bookworm "$dir" > "$log" 2>&1 || { tail -n 20 "$log" >&2; fail "mmdebstrap failed"; }
	# The device nodes, what was copied from this machine, and left-overs are not the image's.
	find "$dir/dev" -mindepth 1 -delete
	rm -f "$dir"/etc/{hostname,resolv.conf} "$dir"/etc/{apt/apt.conf,dpkg/dpkg.cfg}.d/??mmdebstrap \
		"$dir"/var/cache/debconf/*-old
}

# What every image stands on: Debian's essential packages, without apt.
base_layer() {
	fresh "$build/base.tar.gz" base build-images.sh ociwrite.py && return
	rm -rf "$build/base" "$build"/*.key
	install_packages "$build/base" --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
		--include='?essential' --include=usr-is-merged
	"$here/ociwrite.py" layer "$build/base" "$build/base.tar.gz"
	made "$build/base.tar.gz" "$build/base.tar.gz.key" "$key"
}

postgres_packages() {
	# The cluster manager and the query compiler are 180 MB that a container never runs.
	local unused='postgresql-common postgresql-client-common libjson-perl perl perl-modules-5.36
		libperl5.36 libllvm14 libz3-4 ssl-cert openssl'
	install_packages "$1" --include=postgresql-15 \
		--dpkgopt='path-exclude=/usr/lib/postgresql/15/lib/bitcode/*' \
		--dpkgopt='path-exclude=/usr/lib/postgresql/15/lib/llvmjit*' \
		--setup-hook='mkdir -p "$1/etc/postgresql-common"' \
		--setup-hook='echo create_main_cluster=false > "$1/etc/postgresql-common/createcluster.conf"' \
		--customize-hook='chroot "$1" dpkg --purge --force-depends '"${unused//[[:space:]]/ }"
	# A random name in the answers to installation questions would make each build differ.
	sed -i 's|/tmp/postgresql-common[.].*|/tmp/postgresql-common|' "$1/var/cache/debconf/config.dat"
	install -m 755 "$here/recipes/entrypoint.sh" "$1/usr/local/bin/"
	rm -rf "$1/var/lib/postgresql"
	chroot "$1" install -d -o postgres -g postgres /var/lib/postgresql
	chroot "$1" install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data
	chroot "$1" install -d -o postgres -g postgres -m 2775 /run/postgresql
}

nginx_packages() {
	install_packages "$1" --include=nginx
	ln -sf /dev/stdout "$1/var/log/nginx/access.log"
	ln -sf /dev/stderr "$1/var/log/nginx/error.log"
	# It starts as www-data, not as root.
	sed -i -e '/^user /d' -e 's|^pid .*|pid /tmp/nginx.pid;|' "$1/etc/nginx/nginx.conf"
	chroot "$1" chown www-data: /var/lib/nginx
}

web_packages() {
	install_packages "$1" --include=python3-django,libjs-jquery,gunicorn,python3-psycopg2
	echo "app:x:10001:10001::/srv/app:/usr/sbin/nologin" >> "$1/etc/passwd"
	echo "app:x:10001:" >> "$1/etc/group"
}

# packages_layer NAME INPUT...: what NAME_packages puts on top of the base.
packages_layer() {
	local name=$1 file=$build/$1.tar.gz
	shift
	fresh "$file" "$name" build-images.sh ociwrite.py "$@" && return
	rm -rf "${build:?}/$name" "$file.key"
	cp -a "$build/base" "$build/$name"
	"${name}_packages" "$build/$name"
	"$here/ociwrite.py" layer --lower "$build/base" "$build/$name" "$file"
	[ "$name" = web ] || rm -rf "${build:?}/$name"
	made "$file" "$file.key" "$key"
}

# The application and its static files, collected by itself.
app_layer() {
	local root=$build/web stage=$build/app
	fresh "$build/app.tar.gz" app build-images.sh ociwrite.py app && return
	rm -rf "$root/srv/app" "$root/srv/static" "$stage"
	cp -r "$here/app" "$root/srv/app"
	find "$root/srv/app" -name __pycache__ -prune -exec rm -rf {} +
	chown -R 0:0 "$root/srv/app"
	chmod -R u=rwX,go=rX "$root/srv/app"
	chroot "$root" env -i PATH=/usr/bin:/bin SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
		SECRET_KEY=unused sh -c 'cd /srv/app && python3 -m compileall -q . &&
			python3 manage.py collectstatic --noinput -v 0'
	mkdir -p "$stage/srv"
	mv "$root/srv/app" "$root/srv/static" "$stage/srv/"
	"$here/ociwrite.py" layer "$stage" "$build/app.tar.gz"
	rm -rf "$stage"
	made "$build/app.tar.gz" "$build/app.tar.gz.key" "$key"
}

# image FORMAT NAME LAYER...: OUTDIR/NAME.tar of these layers.
image() {
	local format=$1 name=$2 file=$out/$2.tar config=$here/recipes/$2.json options=() facts=()
	local stamp=$build/${out##*/}-$name.key
	shift 2
	for layer in "$@"; do
		options+=(--layer "$build/$layer.tar.gz")
		facts+=("$build/$layer.tar.gz.json")
	done
	key=$(cat "$config" "${facts[@]}" "$here/ociwrite.py" | sha256sum)
	[ -e "$file" ] && [ "$(cat "$stamp" 2> /dev/null)" = "$key" ] && return
	"$here/ociwrite.py" image --format "$format" --name "$name:latest" --config "$config" \
		"${options[@]}" "$file"
	made "$file" "$stamp" "$key"
}

base_layer
packages_layer web
app_layer
image oci web base web app
if [ -z "$web_only" ]; then
	packages_layer postgres recipes/entrypoint.sh
	image oci postgres base postgres
	packages_layer nginx
	image docker nginx base nginx
fi
