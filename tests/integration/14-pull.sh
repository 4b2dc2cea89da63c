#!/bin/bash
# needs: root. Images from a registry: Debian's docker-registry, and one with faults, both on loopback.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
mk() { /usr/bin/python3 "$TOP/tests/lib/mkimage.py" "$@"; }
push() { /usr/bin/python3 "$TOP/tests/lib/push.py" "$@"; }
free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
cd "$W" || exit 1
unset SSL_CERT_FILE DOCKER_CONFIG
export HOME=$W/home # whoever runs this may have a login

head -c 3000000 /dev/urandom >noise
mk small --name s:1 --format dir --layer bb --file /etc/v=small --cmd cat /etc/v
mk big --name b:1 --format dir --file /etc/v=big --binary /noise=noise --layer bb --cmd sleep 1
mk foreign --name f:1 --format dir --arch mips64 --file /etc/v=mips
case $(uname -m) in aarch64) other=amd64 here=arm64 ;; *) other=arm64 here=amd64 ;; esac
mk that --name t:1 --format dir --arch $other --file /etc/v=that
mk this --name t:1 --format dir --arch $here --layer bb --file /etc/v=this --cmd cat /etc/v

# registry NAME [YAML-LINE...]: docker-registry on its own port, $PORT; ended with the test
registry() {
	local name=$1; shift
	PORT=$(free_port)
	printf '%s\n' 'version: 0.1' 'log: {level: error}' "storage: {filesystem: {rootdirectory: $W/reg-$name}}" \
		"$@" >"$name.yml"
	grep -q '^http:' "$name.yml" || echo "http: {addr: '127.0.0.1:$PORT'}" >>"$name.yml"
	sed -i "s/@PORT@/$PORT/" "$name.yml"
	docker-registry serve "$name.yml" >"$name.log" 2>&1 &
	until_ok 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT"
}
# fake LAYOUT ARG...: the one with faults; $PORT, its requests in $REQ; started by $IN
IN=
fake() {
	local n=fake.$RANDOM
	REQ=$W/$n.req
	: >"$REQ"
	$IN /usr/bin/python3 "$TOP/tests/lib/fakereg.py" "$W/$n" --log "$REQ" "$@" >"$n.log" 2>&1 &
	FAKE=$!
	until_ok 20 test -s "$n"
	PORT=$(cat "$n")
}
new_store() { export MINIBOX_ROOT=$W/store.$RANDOM; }
tree() { (cd "$MINIBOX_ROOT" && find layers images refs tmp ! -name '*.lock' -printf '%p %y %s\n' | sort); }
fetches() { pgrep -P "$1" -f minibox-fetch; }
says() { # CONF-NAME IMAGE: what the image's own command prints
	printf 'stack %s;\nservice a { image %s; }\n' "$1" "$2" >"$1.conf"
	mb run -q -f "$1.conf" a
}
refused() { # NAME TEXT [OPTION...]: one line, nothing left
	local name=$1 text=$2 before; shift 2
	status 0 mb images
	before=$(tree)
	status 1 mb pull "$@" "$name"
	has "$OUT" "$text"
	has "$OUT" "$name"
	eq "$(echo "$OUT" | grep -vc '^layer ')" 1
	eq "$(tree)" "$before"
}

test_pull_from_a_plain_registry_on_loopback() {
	registry plain
	push "http://127.0.0.1:$PORT" team/small:1 small
	status 0 mb pull "127.0.0.1:$PORT/team/small:1"
	has "$OUT" "127.0.0.1:$PORT/team/small:1  sha256:"
	eq "$(echo "$OUT" | grep -c '^layer ./2 .* unpacked')" 2
	has "$(mb images)" "127.0.0.1:$PORT/team/small:1"
	eq "$(says pl "127.0.0.1:$PORT/team/small:1")" small
	# by the other name of this machine, all of it is here
	status 0 mb pull "localhost:$PORT/team/small:1"
	eq "$(echo "$OUT" | grep -c '^layer ./2 .* is here')" 2
	eq "$(mb pull -q "127.0.0.1:$PORT/team/small:1" 2>&1 | wc -l)" 1
	refused "127.0.0.1:$PORT/team/small:2" "it has no image 'team/small:2'"
	refused "127.0.0.1:$PORT/team/other:1" "it has no image 'team/other:1'"
}
test_index_gives_this_machines_image() {
	registry plain
	index=$(push "http://127.0.0.1:$PORT" multi:1 foreign that this)
	status 0 mb pull "127.0.0.1:$PORT/multi:1"
	eq "$(says ix "127.0.0.1:$PORT/multi:1")" this
	status 0 mb inspect "127.0.0.1:$PORT/multi@$index"
	push "http://127.0.0.1:$PORT" multi:2 foreign that >/dev/null
	refused "127.0.0.1:$PORT/multi:2" "linux/$here, but for linux/mips64 linux/$other"
}
test_digest_names_an_image_and_is_verified() {
	registry plain
	digest=$(push "http://127.0.0.1:$PORT" d:1 small)
	new_store
	status 0 mb pull "127.0.0.1:$PORT/d@$digest"
	has "$(mb images)" '<none>'
	eq "$(says dg "127.0.0.1:$PORT/d@$digest")" small
	status 0 mb pull "127.0.0.1:$PORT/d:5@$digest"
	has "$(mb images)" "127.0.0.1:$PORT/d:5"
	refused "127.0.0.1:$PORT/d@sha256:$(printf '0%.0s' {1..64})" 'it has no image'
	fake small --corrupt manifest
	refused "127.0.0.1:$PORT/d@$digest" 'what came has the digest'
}
certificates() { # NAME: a CA, and a certificate of it for 127.0.0.1
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1-ca.key" -out "$1-ca.pem" -days 2 -subj "/CN=$1" 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj /CN=registry 2>/dev/null
	printf 'subjectAltName=IP:127.0.0.1\n' >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA "$1-ca.pem" -CAkey "$1-ca.key" -out "$1.pem" -days 2 \
		-extfile "$1.ext" -set_serial 1 2>/dev/null
}
test_certificates_are_verified() {
	certificates good
	certificates bad
	registry tls 'http:' '  addr: 127.0.0.1:@PORT@' "  tls: {certificate: $W/good.pem, key: $W/good.key}"
	push "https://127.0.0.1:$PORT" s:1 small --ca good-ca.pem >/dev/null
	new_store
	refused "127.0.0.1:$PORT/s:1" certificate
	refused "127.0.0.1:$PORT/s:1" certificate --ca bad-ca.pem
	refused "localhost:$PORT/s:1" 'localhost' --ca good-ca.pem
	refused "127.0.0.1:$PORT/s:1" "'small/oci-layout' holds no PEM" --ca small/oci-layout
	chmod 600 good-ca.pem # only we can read it
	status 0 mb pull --ca good-ca.pem "127.0.0.1:$PORT/s:1"
	SSL_CERT_FILE=$W/good-ca.pem status 0 mb pull "127.0.0.1:$PORT/s:1"
}
test_plain_http_is_for_loopback_alone() {
	# in a network of its own, which has an address that is not loopback
	unshare -n sh -c 'ip link set lo up && ip addr add 192.0.2.7/32 dev lo && exec sleep 1000' &
	ns=$! ip=192.0.2.7
	IN="nsenter -n -t $ns"
	mb() { $IN "$MINIBOX" "$@"; }
	has_address() { $IN ip addr show dev lo | grep -q $ip; }
	until_ok 5 has_address
	new_store
	fake small --address 0.0.0.0
	refused "$ip:$PORT/s:1" "'$ip': no TLS comes about"
	eq "$(wc -l <"$REQ")" 0
	fake small --redirect "http://$ip:$PORT{path}"
	refused "127.0.0.1:$PORT/s:1" "plain http to '$ip' is refused"
	fake small --bearer --realm "http://$ip:$PORT/token"
	refused "127.0.0.1:$PORT/s:1" "plain http to '$ip' is refused"
	certificates redir
	fake small
	fake small --tls redir.pem redir.key --redirect "http://127.0.0.1:$PORT{path}"
	refused "127.0.0.1:$PORT/s:1" 'from TLS to plain http' --ca redir-ca.pem
	fake small --tls redir.pem redir.key --bearer --realm "http://127.0.0.1:$PORT/token"
	refused "127.0.0.1:$PORT/s:1" 'which is not https' --ca redir-ca.pem
}
test_basic_login() {
	/usr/bin/python3 -W ignore -c 'import crypt; print("me:" + crypt.crypt("s3cr-et:x", crypt.mksalt(crypt.METHOD_BLOWFISH)))' >htpasswd
	registry basic "auth: {htpasswd: {realm: r, path: $W/htpasswd}}"
	push "http://127.0.0.1:$PORT" s:1 small --login me:s3cr-et:x >/dev/null
	new_store
	refused "127.0.0.1:$PORT/s:1" 'it wants a login'
	printf 'me:wr0ng\n' >wrong
	refused "127.0.0.1:$PORT/s:1" "it refuses the login of 'me'" --creds wrong
	hasnt "$OUT" wr0ng
	printf 'nothing\n' >nologin
	refused "127.0.0.1:$PORT/s:1" "the first line of 'nologin' is not USER:PASSWORD" --creds nologin
	printf 'me:s3cr-et:x\n' >right
	status 0 mb pull --creds right "127.0.0.1:$PORT/s:1"
	status 0 bash -c "$MINIBOX pull --creds - 127.0.0.1:$PORT/s:1 <right"
	status 2 mb pull --creds - "127.0.0.1:$PORT/s:1" "127.0.0.1:$PORT/s:2"
	mkdir -p "$HOME/.docker"
	printf '{"auths": {"other": {}, "127.0.0.1:%s": {"auth": "%s"}}}' "$PORT" "$(printf me:s3cr-et:x | base64)" >"$HOME/.docker/config.json"
	status 0 mb pull "127.0.0.1:$PORT/s:1"
	sed -i 's/"auth"/"aut"/' "$HOME/.docker/config.json"
	status 1 mb pull "127.0.0.1:$PORT/s:1"
	has "$OUT" 'has no password'
	echo '{"auths": s3cr-et}' >"$HOME/.docker/config.json"
	status 1 mb pull "127.0.0.1:$PORT/s:1"
	has "$OUT" 'not valid JSON'
	hasnt "$OUT" s3cr-et
	rm -r "$HOME/.docker"
}
test_bearer_token() {
	new_store
	fake small --bearer
	status 0 mb pull "127.0.0.1:$PORT/s:1"
	eq "$(grep -c /token "$REQ")" 1
	has "$(grep /blobs/ "$REQ")" Bearer
	fake small --bearer me:pw
	printf 'me:pw\n' >tok
	refused "127.0.0.1:$PORT/s:1" 'it refuses to serve without a login'
	status 0 mb pull --creds tok "127.0.0.1:$PORT/s:1"
	has "$(grep /token "$REQ" | tail -n 1)" Basic
	hasnt "$(grep -v /token "$REQ")" Basic
	printf 'me:no\n' >tok
	refused "127.0.0.1:$PORT/s:1" 'it refuses the login' --creds tok
	# one that is good for two requests is asked for again
	new_store
	fake big --bearer --expire 2
	status 0 mb pull "127.0.0.1:$PORT/b:1"
	[ "$(grep -c /token "$REQ")" -ge 2 ]
}
test_token_of_a_real_registry() {
	certificates token
	PORT=$(free_port)
	/usr/bin/python3 "$TOP/tests/lib/tokens.py" "$PORT" "$W/token-ca.pem" "$W/token-ca.key" me:pw &
	until_ok 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT"
	registry tok "auth: {token: {realm: 'http://127.0.0.1:$PORT/token', service: reg, issuer: minibox-tests, rootcertbundle: $W/token-ca.pem}}"
	cp -a "$W/reg-plain/." "$W/reg-tok"
	new_store
	printf 'me:pw\n' >tok
	refused "127.0.0.1:$PORT/team/small:1" 'it refuses to serve without a login'
	status 0 mb pull --creds tok "127.0.0.1:$PORT/team/small:1"
}
test_what_is_not_what_it_says_is_refused() {
	new_store
	printf '{"schemaVersion": 1, "fsLayers": []}' >one
	printf '{"schemaVersion": 2, "layers": [], "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": "sha256:%064d", "size": 2}}' 0 >helm
	printf '{"schemaVersion": 2, "layers": [{"digest": "sha256:../../x", "size": 1}], "config": {"digest": "sha256:%064d", "size": 1}}' 0 >dots
	printf '{"schemaVersion": 2' >cutjson
	printf '{"manifests": [{"digest": "sha256:%064d", "size": 3}]}' 0 >nowhere
	while read -r text args; do
		fake small $args
		refused "127.0.0.1:$PORT/s:1" "${text//_/ }"
	done <<-EOF
		what_came_has_the_digest --corrupt config
		its_blob_has_the_digest --corrupt layer --no-range
		its_descriptor_says --corrupt longer
		its_descriptor_says --corrupt shorter
		what_came_has_the_digest --lie
		more_than_4194304 --huge said
		more_than_4194304 --huge sent
		schema_1 --manifest one
		is_no_image,_but_'application/vnd.cncf.helm.config.v1+json' --manifest helm
		is_not_a_digest --manifest dots
		not_valid_JSON --manifest cutjson
		it_has_no_image --manifest nowhere
	EOF
}
test_answers_of_a_registry_are_told() {
	new_store
	while read -r text args; do
		fake small --message $'no\nway' $args
		refused "127.0.0.1:$PORT/s:1" "${text//_/ }"
	done <<-EOF
		it_has_no_image_'s:1'_(no?way) --status 404
		it_wants_a_login --status 401
		it_denies_access_to_'s'_(no?way) --status 403
		try_again_in_7_s --status 429 --retry-after 7
		try_again_later_(no?way) --status 429
		HTTP_status_500_(no?way) --status 500
	EOF
}
test_lost_connections_are_resumed() {
	fake big --cut 700000
	new_store
	status 0 mb pull "127.0.0.1:$PORT/b:1"
	grep -q 'bytes=700000-' "$REQ"
	grep -q 'bytes=1400000-' "$REQ"
	for how in '--chunked --times 3' '--no-range --times 2'; do
		new_store
		fake big --cut 1000000 $how
		status 0 mb pull "127.0.0.1:$PORT/b:1"
		grep -q 'bytes=1000000-' "$REQ"
	done
	new_store
	fake big --cut 100000 --wrong-range
	refused "127.0.0.1:$PORT/b:1" 'asked for the bytes from 100000 on, it sent others'
	fake big --cut 1000 --no-range
	refused "127.0.0.1:$PORT/b:1" 'the connection was lost 6 times'
}
test_slow_registry_is_waited_for() {
	new_store
	fake big --slow 1500000
	status 0 script -qec "$MINIBOX pull 127.0.0.1:$PORT/b:1" /dev/null
	has "$OUT" 's left'
	has "$OUT" 'MiB/s'
	has "$OUT" unpacked
}
test_layers_come_side_by_side_from_a_confined_process() {
	new_store
	mk three --name t:1 --format dir --binary /a=noise --binary /b=noise --binary /c=noise --cmd x
	fake three --hang 1000
	"$MINIBOX" pull "127.0.0.1:$PORT/t:1" >side.log 2>&1 &
	job=$!
	three() { [ "$(fetches $job | wc -l)" = 3 ]; }
	until_ok 10 three
	pid=$(fetches $job | head -n 1)
	has "$(cat "/proc/$pid/status")" $'Uid:\t65534\t65534\t65534\t65534'
	eq "$(grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' "/proc/$pid/status" | grep -vc 0000000000000000)" 0
	has "$(cat "/proc/$pid/status")" $'NoNewPrivs:\t1'
	has "$(cat "/proc/$pid/status")" $'Seccomp:\t2'
	eq "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "$BUILD/minibox-fetch "
	eq "$(wc -c <"/proc/$pid/environ")" 0
	kill -9 $job
	gone() { [ ! -e "/proc/$pid" ]; }
	until_ok 5 gone
}
test_kill_in_the_middle_leaves_nothing() {
	new_store
	status 0 mb images
	before=$(tree)
	fake big --hang 1500000
	"$MINIBOX" pull "127.0.0.1:$PORT/b:1" >kill.log 2>&1 &
	job=$!
	begun() { ls "$MINIBOX_ROOT"/tmp | grep -q layer; }
	until_ok 10 begun
	kill -9 $job
	wait $job || true
	status 0 mb images
	eq "$(tree | grep -v '^layers/')" "$(echo "$before" | grep -v '^layers/')"
	eq "$(mb images --json)" '[]'
	fake big
	status 0 mb pull "127.0.0.1:$PORT/b:1"
}
test_two_pulls_at_once_share_the_work() {
	new_store
	fake big --slow 6000000
	"$MINIBOX" pull "127.0.0.1:$PORT/b:1" >two.a 2>&1 &
	a=$!
	"$MINIBOX" pull "127.0.0.1:$PORT/b:2" >two.b 2>&1 &
	b=$!
	wait $a
	wait $b
	eq "$(grep /blobs/ "$REQ" | grep -vc "$(config_of big)")" 3
	has "$(mb images)" b:2
}
config_of() {
	/usr/bin/python3 - "$1" <<-'EOF'
	import json, sys
	top = json.load(open(sys.argv[1] + "/index.json"))["manifests"][0]["digest"]
	print(json.load(open(sys.argv[1] + "/blobs/" + top.replace(":", "/")))["config"]["digest"])
	EOF
}
test_layers_in_the_store_are_not_fetched() {
	new_store
	mk old.tar --name old:1 --layer bb --cmd sleep 1
	status 0 mb load old.tar
	fake small
	status 0 mb pull "127.0.0.1:$PORT/s:1"
	has "$OUT" 'is here'
	eq "$(grep -c /blobs/ "$REQ")" 2 # the config, and the layer with /etc/v
	status 0 mb pull "127.0.0.1:$PORT/s:1"
	eq "$(grep -c /blobs/ "$REQ")" 2
	eq "$(grep -c /manifests/ "$REQ")" 2
}
test_a_config_that_has_changed_in_the_store_is_fetched_again() {
	new_store
	fake small
	status 0 mb pull "127.0.0.1:$PORT/s:1"
	config=$(echo "$MINIBOX_ROOT"/images/*/config.json)
	cp "$config" whole
	sed -i 's/cat/rat/' "$config"
	status 1 mb images --verify
	status 0 mb pull "127.0.0.1:$PORT/s:1"
	cmp whole "$config"
	status 0 mb images --verify
	eq "$(mb images --json | grep -c '"id"')" 1
}
test_redirect_takes_no_secret_along() {
	fake small
	other=$REQ
	printf 'me:pw\n' >redir
	fake small --basic me:pw --redirect "http://127.0.0.1:$PORT{path}"
	new_store
	status 0 mb pull --creds redir "127.0.0.1:$PORT/s:1"
	has "$(cat "$REQ")" Basic
	[ "$(grep -c /blobs/ "$other")" -ge 3 ]
	hasnt "$(cat "$other")" Basic
	fake small --redirect "{path}"
	new_store
	refused "127.0.0.1:$PORT/s:1" 'redirects more than 5 times'
	fake small --redirect 'file:///etc/passwd'
	refused "127.0.0.1:$PORT/s:1" 'is no https URL'
}
test_without_libcurl_the_rest_is_whole() {
	hasnt "$(make -n CURL= B="$W/none" all)" minibox-fetch
	mkdir -p bare
	cp "$MINIBOX" bare/
	status 1 bare/minibox pull 127.0.0.1:1/x
	has "$OUT" 'built without libcurl'
	status 0 bare/minibox images
	for bad in Upper '' 'a b' ../x; do
		status 1 mb pull "$bad"
		has "$OUT" 'not an image name'
	done
	printf 'stack p;\nservice a { image nowhere:1; }\n' >nowhere.conf
	status 1 mb up -d nowhere.conf
	has "$OUT" 'minibox pull'
}
run_tests "$@"
