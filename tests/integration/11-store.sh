#!/bin/bash
# needs: root. Images out of the store again, their names, what they take up, what has changed.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
cd "$W" || exit 1
mk() { /usr/bin/python3 "$TOP/tests/lib/mkimage.py" "$@"; }
layers() { ls "$MINIBOX_ROOT/layers" | grep -v '^\.' | sort; }
id_of() { mb inspect "$1" | /usr/bin/python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["id"])'; }
# tree ROOT: all that a store's layers are, each name with its attributes and content
tree() {
	(cd "$1/layers" && find . ! -name '*.lock' ! -name layer.json -print0 | sort -z | /usr/bin/python3 -c '
import hashlib, os, stat, sys
for p in sys.stdin.buffer.read().split(b"\0")[:-1]:
    s = os.lstat(p)
    x = {k: os.getxattr(p, k, follow_symlinks=False) for k in os.listxattr(p, follow_symlinks=False)}
    body = hashlib.sha1(open(p, "rb").read()).hexdigest() if stat.S_ISREG(s.st_mode) else \
        os.readlink(p) if stat.S_ISLNK(s.st_mode) else ""
    time = s.st_mtime_ns if b"/fs" in p and not stat.S_ISCHR(s.st_mode) else 0
    size = 0 if stat.S_ISDIR(s.st_mode) else s.st_size
    links = 0 if stat.S_ISDIR(s.st_mode) else s.st_nlink
    print(p, oct(s.st_mode), s.st_uid, s.st_gid, size, s.st_rdev, links, time, sorted(x.items()), body)')
}
odd_layers() { # odd1.tar odd2.tar: whatever a layer may hold
	/usr/bin/python3 - "$TOP/tests/lib" <<-'EOF'
	import io, subprocess, sys, tarfile
	sys.path.insert(0, sys.argv[1])
	from mkimage import Tar
	a = Tar()
	a.add("etc", "d", mode=0o750, uid=3, gid=4, mtime=1234567890.5)
	a.add("etc/a", data="a" * 1000, mode=0o4755, mtime=99)
	a.add("etc/a", data="other", uid=7)                    # again, shorter
	a.add("d/deep", data="x")                              # a parent nobody made
	a.add("d", "d", mode=0o700)
	a.add("d", data="now a file")                          # all of it replaced
	a.add("h1", data="linked" * 100)
	a.add("h2", "h", link="h1")
	a.add("h1", data="no more the same")
	a.add("l", "l", link="/etc/a", mtime=77)
	a.add("fifo", "p", mode=0o622)
	a.add("dev", "c", dev=(1, 3))                          # left out
	a.add("cap", data="c", xattrs={"user.x": "1", "security.capability": b"\x01\x00\x00\x02\x00\x20\x00\x00" + bytes(12)})
	a.add("bad-\udcff\udcfe", data="latin")
	a.add("n" * 200 + "/" + "m" * 200, data="long")
	a.add("empty", data="")
	a.add("empty", data="")
	a.add("opq", "d")
	a.add("opq/kept", data="k")
	open("odd1.tar", "wb").write(a.data() + bytes(3000) + b"behind the end")
	b = Tar()
	b.add("opq/.wh..wh..opq", data="hidden content")
	b.add("etc/.wh.a")
	b.add("new/dir/f", data="parents from nowhere")
	b.add("h3", "h", link="h2")                            # of the layer below
	open("odd2.tar", "wb").write(b.data())
	EOF
	truncate -s 3M hole; printf start | dd of=hole conv=notrunc status=none
	printf middle | dd of=hole bs=1M seek=2 conv=notrunc status=none
	tar --sparse -cf sparse-gnu.tar hole
	tar --sparse --format=posix -cf sparse-pax.tar hole
}

test_saved_archives_load_as_the_same_images() {
	odd_layers
	mk one.tar --name odd:1 --layer odd1.tar --layer odd2.tar --layer sparse-gnu.tar --cmd sleep 1
	mk two.tar --name odd:2 --layer odd1.tar --layer sparse-pax.tar --zstd --cmd sleep 2
	status 0 mb load one.tar two.tar
	status 0 mb save -o saved.tar odd:1 odd:2
	[ -z "$OUT" ]
	# layers that two images have are there once, and come out as they went in
	eq "$(tar tf saved.tar | sort | uniq -d)" ''
	for l in odd1 odd2 sparse-gnu sparse-pax; do
		tar xOf saved.tar "blobs/sha256/$(sha256sum <$l.tar | cut -c1-64)" | cmp - $l.tar
	done
	MINIBOX_ROOT=$W/again status 0 mb load saved.tar
	for i in odd:1 odd:2; do
		eq "$(MINIBOX_ROOT=$W/again id_of $i)" "$(id_of $i)"
	done
	tree "$MINIBOX_ROOT" >tree.a
	tree "$W/again" >tree.b
	[ "$(wc -l <tree.a)" -gt 40 ]
	cmp tree.a tree.b
	# and once more, through a pipe
	MINIBOX_ROOT=$W/again mb save odd:1 odd:2 | cmp - saved.tar
	mb save odd:1 odd:2 | MINIBOX_ROOT=$W/piped mb load -
	tree "$W/piped" | cmp tree.a -
}
test_saved_archives_are_taken_by_skopeo() {
	status 0 mb save -o odd1.oci odd:1
	skopeo inspect --no-tags oci-archive:odd1.oci >/dev/null
	skopeo inspect --no-tags docker-archive:odd1.oci >/dev/null
	eq "$(skopeo inspect --config --raw docker-archive:saved.tar:docker.io/library/odd:2 | sha256sum | cut -c1-64)" "$(id_of odd:2 | cut -c8-)"
	eq "$(skopeo inspect --config --raw oci-archive:odd1.oci | sha256sum | cut -c1-64)" "$(id_of odd:1 | cut -c8-)"
	# it reads every blob and compares its digest
	skopeo copy -q oci-archive:odd1.oci dir:copy
	eq "$(ls copy | grep -c '^[0-9a-f]\{64\}$')" 4
}
test_save_keeps_every_name() {
	status 0 mb tag odd:1 registry.example:5000/team/odd:v1
	status 0 mb save -o names.tar odd:1
	MINIBOX_ROOT=$W/names status 0 mb load names.tar
	eq "$(MINIBOX_ROOT=$W/names mb images --json | grep -o '"odd:1"\|"registry.*v1"' | sort | tr '\n' ' ')" '"odd:1" "registry.example:5000/team/odd:v1" '
	tar xOf names.tar manifest.json | grep -q '"RepoTags":\["odd:1","registry.example:5000/team/odd:v1"\]'
	status 0 mb rmi registry.example:5000/team/odd:v1
	id_of odd:1
}
test_save_never_leaves_half_a_file() {
	cp saved.tar old.tar
	status 1 mb save -o old.tar odd:1 nowhere:1
	has "$OUT" "there is no image 'nowhere:1'"
	cmp saved.tar old.tar
	# a layer that has changed is found while it is written
	layer=$MINIBOX_ROOT/layers/$(sha256sum <odd1.tar | cut -c1-64)
	[ -d "$layer" ] || layer=$(echo "$MINIBOX_ROOT"/layers/chain-$(sha256sum <odd1.tar | cut -c1-64))
	touch -r "$layer/fs/d" stamp
	printf N | dd of="$layer/fs/d" conv=notrunc status=none
	status 1 mb save -o old.tar odd:1
	has "$OUT" "fs/d' has changed"
	has "$OUT" odd:1
	status 1 sh -c "$MINIBOX save odd:1 >/dev/null"
	printf n | dd of="$layer/fs/d" conv=notrunc status=none
	touch -r stamp "$layer/fs/d"
	cmp saved.tar old.tar
	eq "$(ls | grep 'old.tar.')" ''
	status 1 mb save -o . odd:1
	status 1 mb save -o no/where odd:1
	# killed in the middle
	{ mb save -o killed.tar odd:1 odd:2 & }; kill -9 $! ; wait $! 2>/dev/null || true
	[ ! -e killed.tar ] || tar tf killed.tar >/dev/null
	eq "$(ls | grep 'killed.tar.')" ''
	status 0 mb save -o old.tar odd:1
	tar tf old.tar >/dev/null
	# to what is no file
	mkfifo pipe
	cat pipe >from.pipe & reader=$!
	status 0 mb save -o pipe odd:1
	wait $reader
	cmp from.pipe old.tar
	[ -p pipe ]
	has "$(script -qec "$MINIBOX save odd:1" /dev/null)" 'is a terminal'
}
test_layers_of_older_versions_are_told() {
	layer=$(ls -d "$MINIBOX_ROOT"/layers/*"$(sha256sum <odd1.tar | cut -c1-64)")
	mv "$layer/stream.zst" aside
	status 1 mb save -o old.tar odd:1
	has "$OUT" 'older version'
	mv aside "$layer/stream.zst"
}
test_tag_gives_and_moves_names() {
	status 0 mb tag odd:1 moved
	eq "$(id_of moved:latest)" "$(id_of odd:1)"
	status 0 mb tag odd:2 moved:latest
	eq "$(id_of moved)" "$(id_of odd:2)"
	# an image that loses its last name stays, as <none>
	mk lost.tar --name lost:1 --layer bb --file /etc/lost=1
	status 0 mb load lost.tar
	lost=$(id_of lost:1)
	echo "$lost" >lost.id
	status 0 mb tag odd:1 lost:1
	eq "$(id_of "$lost")" "$lost"
	has "$(mb images)" '<none>'
	for bad in UPPER 'a b' '' "x@$lost" a:b:c ../x; do
		status 1 mb tag odd:1 "$bad"
		has "$OUT" "'$bad' is not an image name"
	done
	status 1 mb tag nowhere:1 x
	has "$OUT" "there is no image 'nowhere:1'"
	status 0 mb rmi moved lost:1
	has "$(mb images)" odd:2
}
test_images_tell_what_they_share() {
	mb images --json | /usr/bin/python3 -c '
import json, sys
i = {n: x for x in json.load(sys.stdin) for n in x["names"]}
assert 0 < i["odd:1"]["unique_bytes"] < i["odd:1"]["size_bytes"], i
assert 0 < i["odd:2"]["unique_bytes"] < i["odd:2"]["size_bytes"], i
assert i["odd:1"]["size_bytes"] - i["odd:1"]["unique_bytes"] == i["odd:2"]["size_bytes"] - i["odd:2"]["unique_bytes"]'
	has "$(mb images | head -n1)" UNIQUE
}
total() { mb df --json | /usr/bin/python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"; }
test_df_agrees_with_du() {
	cat >df.conf <<-EOF
	stack df;
	volume v;
	service a {
		image $(cat lost.id);
		command sh -c "head -c 3000000 /dev/zero >/big; head -c 2000000 /dev/zero >/v/big; echo hello; sleep 1000";
		volumes v:/v;
		stop_grace_period 1s;
	}
	EOF
	status 0 mb up -d df.conf
	until_ok 10 test -s "$MINIBOX_ROOT/volumes/df/v/big"
	until_ok 10 sh -c "$MINIBOX logs df | grep hello"
	sync
	want=$(du -s --block-size=1 "$MINIBOX_ROOT" | cut -f1)
	got=$(total 'd["total_bytes"]')
	[ $(((got > want ? got - want : want - got) * 100)) -le "$want" ] || fail "df says $got, du $want"
	# each sum is what du says of its directories
	eq "$(total 'd["layers"]["bytes"]')" "$(du -s --block-size=1 "$MINIBOX_ROOT/layers" | cut -f1)"
	eq "$(total 'd["volumes"]["count"], d["containers"]["count"], d["logs"]["count"]')" '1 1 1'
	[ "$(total 'd["volumes"]["bytes"]')" -ge 2000000 ]
	[ "$(total 'd["containers"]["bytes"]')" -ge 3000000 ]
	eq "$(total 'd["layers"]["shared_bytes"]')" "$(du -s --block-size=1 "$MINIBOX_ROOT"/layers/*"$(sha256sum <odd1.tar | cut -c1-64)" | cut -f1)"
	eq "$(total 'd["total_bytes"] - sum(d[k]["bytes"] for k in ("images", "layers", "containers", "volumes", "logs")) - d["other_bytes"]')" 0
	has "$(mb df)" 'shared by several images'
}
layer_of() { ls -d "$MINIBOX_ROOT"/layers/*"$(sha256sum <"$1" | cut -c1-64)"; }
test_verify_finds_nothing_wrong() {
	status 0 mb images --verify
	has "$OUT" '3 images, 6 layers: 0 faults'
	status 0 mb images --verify odd:1 odd:2 odd:1
	has "$OUT" '2 images, 4 layers: 0 faults'
	status 1 mb images --verify nowhere:1
	has "$OUT" "there is no image 'nowhere:1'"
	status 2 mb images odd:1
	eq "$(ls -A "$MINIBOX_ROOT/tmp" | grep -v '\.lock$')" ''
}
# found PATH WHAT: exactly one line of the last status names the layer $l, PATH and WHAT
found() { eq "$(echo "$OUT" | grep -F "$(basename "$l")" | grep -F "'$1' " | grep -cF "$2")" 1 || { echo "$OUT"; return 1; }; }
xattr() { /usr/bin/python3 -c 'import os, sys; getattr(os, sys.argv[1] + "xattr")(*sys.argv[3:1:-1], *[b"2"] * (sys.argv[1] == "set"))' "$@"; }
test_verify_finds_whatever_has_changed() {
	cp -a "$MINIBOX_ROOT" good
	l=$(layer_of odd1.tar) top=$(echo "$MINIBOX_ROOT"/layers/chain-* | tr ' ' '\n' | grep -vF "$l")
	f=$l/fs
	keep() { touch -r "$1" stamp; "${@:2}"; touch -r stamp "$1"; } # whoever damages a disk changes no times
	keep "$f/etc/a" sh -c "printf O | dd of=$f/etc/a conv=notrunc status=none"
	keep "$f/cap" truncate -s 0 "$f/cap"
	keep "$f/d" sh -c "echo more >>$f/d"
	keep "$f" rm "$f/h2"
	keep "$f/h1" chmod 600 "$f/h1"
	keep "$f/empty" chown 5 "$f/empty"
	touch -h -d '1 Jan 2001' "$f/fifo"
	keep "$f/opq" sh -c "echo new >$f/opq/new"
	keep "$f/opq/kept" xattr set user.y "$f/opq/kept"
	keep "$f" sh -c "rm $f/l; ln -s /etc/b $f/l"
	keep "$l/replaced/0" sh -c "printf b | dd of=$l/replaced/0 conv=notrunc status=none"
	status 1 mb images --verify odd:1
	has "$OUT" "image 'odd:1'"
	found /etc/a 'has changed'
	found /cap 'is too short'
	found /cap 'has another size'
	found /d 'has another size'
	found /h2 'is missing'
	found /h1 'has another mode'
	found /empty 'has another owner'
	found /fifo 'has another time'
	found /opq/new 'should not be there'
	found /opq/kept 'has another set of xattrs'
	found /l 'has another time, target'
	found replaced/0 'has changed'
	eq "$(echo "$OUT" | grep -c "$(basename "$l")")" 12
	# whiteouts, opaque directories, copies from below, and types
	rm -rf "$MINIBOX_ROOT"; cp -a good "$MINIBOX_ROOT"
	l=$top f=$top/fs
	keep "$f/etc" sh -c "rm $f/etc/a; echo >$f/etc/a"
	xattr remove trusted.overlay.opaque "$f/opq"
	keep "$f/h3" sh -c "printf X | dd of=$f/h3 conv=notrunc status=none"
	status 1 mb images --verify odd:1
	found /etc/a 'is of another type'
	found /opq 'has another set of xattrs'
	found /h2 'has another content' # which h3 is a link to
	rm -rf "$MINIBOX_ROOT"; mv good "$MINIBOX_ROOT"
	status 0 mb images --verify
}
test_verify_finds_damage_of_the_store_itself() {
	cp -a "$MINIBOX_ROOT" good
	again() { rm -rf "$MINIBOX_ROOT"; cp -a good "$MINIBOX_ROOT"; l=$(layer_of odd1.tar); }
	again; mv "$l/stream.zst" aside
	status 1 mb images --verify
	has "$OUT" "layer '$(basename "$l")': it cannot be verified: it was loaded by an older version"
	again; truncate -s -1 "$l/stream.zst"
	status 1 mb images --verify
	has "$OUT" "layer '$(basename "$l")'"
	again; rm -r "$l"
	status 1 mb images --verify odd:1
	has "$OUT" "layer '$(basename "$l")': it is missing"
	again; rm -r "$l/fs"
	status 1 mb images --verify odd:1
	has "$OUT" "layer '$(basename "$l")': its tree is missing"
	again; sed -i 's/"bytes":/"bytes":1/' "$l/layer.json"
	status 1 mb images --verify odd:1
	has "$OUT" "'layer.json' has changed"
	again; sed -i 's/sleep/slept/' "$MINIBOX_ROOT/images/$(id_of odd:2 | cut -c8-)/config.json"
	status 1 mb images --verify
	has "$OUT" "image 'odd:2': its config has changed"
	has "$OUT" '6 layers: 1 fault'
	# a stream that is another, but whole: of the second layer, say
	again; cp "$(layer_of sparse-gnu.tar)/stream.zst" "$l/stream.zst"
	status 1 mb images --verify odd:2
	has "$OUT" "layer '$(basename "$l")'"
	eq "$(ls -A "$MINIBOX_ROOT/tmp" | grep -v '\.lock$')" ''
	rm -rf "$MINIBOX_ROOT"; mv good "$MINIBOX_ROOT"
}
test_prune_takes_what_nobody_uses() {
	# a container of the nameless image runs, so it stays
	before=$(layers)
	status 0 mb prune
	eq "$OUT" 'freed 0 B'
	eq "$(layers)" "$before"
	status 0 mb down --volumes df
	status 0 mb prune --dry-run
	has "$OUT" 'would remove image <none>'
	has "$OUT" 'would remove 2 layers'
	eq "$(layers)" "$before"
	promised=$(echo "$OUT" | sed -n 's/would free //p')
	used=$(total 'd["layers"]["bytes"] + d["images"]["bytes"]')
	status 0 mb prune --older-than 1h
	eq "$OUT" 'freed 0 B'
	status 0 mb prune
	has "$OUT" "freed $promised"
	eq "$(layers | wc -l)" 4
	# what it says is what the disk gained
	gained=$((used - $(total 'd["layers"]["bytes"] + d["images"]["bytes"]')))
	[ "$gained" -gt 1000000 ]
	eq "$(numfmt --to=iec-i --format=%.1f "$gained" | sed 's/Mi$/ MiB/')" "$promised"
	status 2 mb prune --older-than soon
}
test_import_makes_an_image_of_a_root() {
	tar -C bb -cf root.tar .
	status 0 mb import --cmd '["cat", "/etc/passwd"]' --env A=b --env B=c=d -u www --workdir /var \
		--expose 80 --expose 53/udp --volume /data --label k=v --stop-signal SIGINT root.tar web:1
	has "$OUT" 'web:1  sha256:'
	mb inspect web:1 | /usr/bin/python3 -c '
import json, sys
c = json.load(sys.stdin)[0]["config"]
assert c["os"] == "linux" and len(c["rootfs"]["diff_ids"]) == 1 and len(c["history"]) == 1, c
assert c["config"] == {"Cmd": ["cat", "/etc/passwd"], "Env": ["A=b", "B=c=d"], "User": "www", "WorkingDir": "/var",
    "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "Volumes": {"/data": {}}, "Labels": {"k": "v"}, "StopSignal": "SIGINT"}, c'
	eq "$(mb inspect web:1 | grep -o 'sha256:[0-9a-f]*' | grep -c "$(sha256sum <root.tar | cut -c1-64)")" 2
	printf 'stack im;\nservice a { image web:1; }\n' >im.conf
	eq "$(mb run -q -f im.conf a)" "$(cat bb/etc/passwd)"
	eq "$(mb run -q -f im.conf a sh -c 'echo $A $B; pwd; id -un')" "$(printf 'b c=d\n/var\nwww')"
	# compressed and from a pipe it is the same layer; a line is for the shell; without a name
	gzip -c root.tar >root.gz
	status 0 sh -c "cat root.gz | $MINIBOX import --entrypoint 'echo \$0' -"
	has "$OUT" '<none>  sha256:'
	zstd -qc root.tar | mb import - web:2
	eq "$(layers | wc -l)" 5
	mb inspect "$(echo "$OUT" | grep -o 'sha256:.*')" | tr -d ' \n' | grep -qF '"Entrypoint":["/bin/sh","-c","echo$0"]'
	# what is imported can be saved, and is whole
	status 0 mb images --verify web:1
	status 0 mb save -o web.tar web:1
	tar xOf web.tar "blobs/sha256/$(sha256sum <root.tar | cut -c1-64)" | cmp - root.tar
	skopeo inspect --no-tags docker-archive:web.tar >/dev/null
}
test_import_refuses_what_is_none() {
	before=$(layers) images=$(mb images --json)
	head -c 100000 /dev/urandom >noise
	for bad in noise nowhere . odd1.tar:x; do
		status 1 mb import "$bad" bad:1
		has "$OUT" "'$bad'"
		eq "$(echo "$OUT" | wc -l)" 1
	done
	status 1 mb import root.tar Not:A:Name
	has "$OUT" 'is not an image name'
	for o in '--env x' '--label =x' '--expose web' '--expose 0' '--expose 1/icmp' '--volume data' '--workdir x' '--cmd [1]' '--cmd ['; do
		status 2 mb import $o root.tar bad:1
		has "$OUT" "${o%% *}"
	done
	eq "$(layers)" "$before"
	eq "$(mb images --json)" "$images"
	eq "$(ls -A "$MINIBOX_ROOT/tmp" | grep -v '\.lock$')" ''
	status 0 mb rmi web:1 web:2
	status 0 mb prune
	eq "$(layers | wc -l)" 4
}
test_mount_shows_an_image() {
	status 0 mb load one.tar
	status 0 mb mount odd:1
	at=$OUT
	eq "$(cat "$at/etc/a" 2>&1 | grep -c 'No such')" 1
	eq "$(cat "$at/d")" 'now a file'
	eq "$(cat "$at/hole" | tr -d '\0')" startmiddle
	status 1 touch "$at/x"
	has "$OUT" 'Read-only'
	# again, and by another way of mounting, it is the same place
	eq "$(mb mount "$(id_of odd:1)")" "$at"
	# it is in use
	status 1 mb rmi odd:1
	has "$OUT" 'mounted'
	status 0 mb prune --all
	id_of odd:1
	# busy while somebody is in it
	(cd "$at" && status 1 mb umount odd:1 && has "$OUT" busy)
	# it outlives the last stack, and goes without leaving anything
	printf 'stack mo;\nservice a { image lost.tar; command sleep 1000; stop_grace_period 1s; }\n' >mo.conf
	status 0 mb up -d mo.conf
	status 0 mb down mo
	eq "$(cat "$at/d")" 'now a file'
	status 0 mb umount odd:1
	until_ok 10 test ! -e "$MINIBOX_RUN" # a `run` from before lingers for a second
	status 1 mb umount odd:1
	has "$OUT" "image 'odd:1' is not mounted"
	eq "$(MINIBOX_LAYERS_BY_PATH=1 mb mount odd:1)" "$at"
	eq "$(cat "$at/d")" 'now a file'
	status 0 mb umount odd:1
	status 1 mb mount nowhere:1
	has "$OUT" "there is no image 'nowhere:1'"
	status 0 mb load two.tar
	status 0 mb rmi lost:1
}
test_prune_takes_layers_that_no_image_has() {
	mkdir -p "$MINIBOX_ROOT/layers/0000/fs"
	status 0 mb df
	has "$OUT" 'belong to no image'
	# not while images are loaded or saved
	flock -s "$MINIBOX_ROOT/load.lock" "$MINIBOX" prune >out 2>&1
	has "$(cat out)" 'left for the next prune'
	[ -d "$MINIBOX_ROOT/layers/0000" ]
	status 0 mb prune
	has "$OUT" 'removed 1 layer'
	[ ! -d "$MINIBOX_ROOT/layers/0000" ]
}
test_prune_all_by_age() {
	touch -d '3 days ago' "$MINIBOX_ROOT/images/$(id_of odd:1 | cut -c8-)/record.json"
	status 0 mb prune --all --older-than 2d
	has "$OUT" 'removed image odd:1'
	hasnt "$OUT" odd:2
	id_of odd:2
	status 0 mb prune --all
	has "$OUT" 'removed image odd:2'
	eq "$(layers)" ''
	eq "$(mb images --json)" '[]'
}
test_a_damaged_image_can_be_removed_or_mended() {
	mk hurt.tar --name hurt:1 --file /etc/h=1
	mk hale.tar --name hale:1 --file /etc/h=2
	for file in record.json config.json config.list; do
		status 0 mb load hurt.tar hale.tar
		dir=$MINIBOX_ROOT/images/$(id_of hurt:1 | cut -c8-)
		for how in 'truncate -s 5' 'truncate -s 0' 'truncate -s +1' 'rm'; do
			$how "$dir/$file"
			status 0 mb images
			has "$OUT" hale:1
			case $how$file in
			rmconfig.list) status 0 mb images --verify hurt:1 ;; # an older version had none
			*) status 1 mb images --verify hurt:1; has "$OUT" ' 1 fault' ;;
			esac
			status 0 mb load hurt.tar
			status 0 mb images --verify hurt:1
		done
		printf '{}' >"$dir/$file"
		status 0 mb rmi hurt:1
		[ ! -e "$dir" ]
		status 0 mb rmi hale:1
		eq "$(mb images --json)" '[]'
		eq "$(layers)" ''
	done
	# loaded again while it is here, it is mended by files that are first in tmp/
	status 0 mb load hurt.tar
	eq "$(ls "$dir" | tr '\n' ' ')" 'config.json config.list record.json '
	status 0 mb rmi hurt:1
}
test_a_store_of_an_older_version_is_read() {
	mk old.tar --name old:1 --layer bb --env A=1 --cmd cat /etc/passwd
	status 0 mb load old.tar
	mb inspect old:1 >new.json
	rm "$MINIBOX_ROOT/images/$(id_of old:1 | cut -c8-)/config.list" "$MINIBOX_ROOT"/layers/*/stream.zst
	status 0 mb inspect old:1
	eq "$OUT" "$(cat new.json)"
	status 0 mb images
	hasnt "$OUT" warning
	printf 'stack ol;\nservice a { image old:1; }\n' >ol.conf
	eq "$(mb run -q -f ol.conf a)" "$(cat bb/etc/passwd)"
	status 1 mb images --verify
	has "$OUT" 'loaded by an older version'
	status 1 mb save -o old.out old:1
	has "$OUT" "'rmi' the image and load it again"
	status 0 mb rmi old:1
	status 0 mb load old.tar
	status 0 mb images --verify
	status 0 mb save -o old.out old:1
	status 0 mb rmi old:1
}
test_text_of_an_image_does_nothing_to_a_terminal() {
	/usr/bin/python3 - <<-'EOF'
	import hashlib, io, json, tarfile
	def put(tar, name, data):
	    i = tarfile.TarInfo(name)
	    i.size = len(data)
	    tar.addfile(i, io.BytesIO(data))
	layer = io.BytesIO()
	with tarfile.open(fileobj=layer, mode="w") as t:
	    put(t, "a", b"x")
	diff = "sha256:" + hashlib.sha256(layer.getvalue()).hexdigest()
	config = json.dumps({"created": "\x1b[31mred\x07", "architecture": "\x1b[2J", "os": "li\nnux", "rootfs": {"type": "layers", "diff_ids": [diff]}})
	with tarfile.open("escape.tar", "w") as t:
	    put(t, "c.json", config.encode())
	    put(t, "l.tar", layer.getvalue())
	    put(t, "manifest.json", json.dumps([{"Config": "c.json", "RepoTags": ["escape:1"], "Layers": ["l.tar"]}]).encode())
	EOF
	for c in 'load escape.tar' images 'images --json' 'inspect escape:1' 'images --verify' 'prune --all'; do
		status 0 mb $c
		eq "$(echo "$OUT" | tr -d '\n\040-\176')" ''
	done
	has "$(mb load -q escape.tar; mb images)" ' ?[31mred?'
	status 0 mb rmi escape:1
}
test_output_that_cannot_be_written_is_told() {
	mk small.tar --name small:1 --file /etc/s=1
	for c in "load small.tar" images 'images --json' 'images --verify' 'inspect small:1' df 'save small:1' 'save -o /dev/full small:1' \
		'tag --help' --version; do
		status 1 sh -c "$MINIBOX $c >/dev/full"
		has "$OUT" 'No space left on device'
		eq "$(echo "$OUT" | wc -l)" 1
	done
	status 1 sh -c "$MINIBOX save small:1 >&-"
	has "$OUT" 'Bad file descriptor'
	status 1 mb save -o '' small:1
	has "$OUT" 'names no file'
	# whoever reads may have enough
	eq "$({ mb save small:1 || true; } | head -c 1 | wc -c)" 1
	for root in /proc/nowhere /dev/null/x; do
		for c in images 'images --verify small:1' df prune 'rmi small:1' 'save small:1' 'load small.tar' 'tag small:1 b' 'inspect small:1' 'mount small:1'; do
			status 1 mb --root $root $c
			has "$OUT" "$root"
			eq "$(echo "$OUT" | wc -l)" 1
		done
	done
	status 2 mb --root /proc/nowhere images small:1
	# every name is told, the one in the archive as well
	status 0 mb tag small:1 another
	status 0 mb load small.tar
	has "$OUT" 'small:1  sha256:'
	status 0 mb rmi small:1 another
}
test_what_killed_loads_left_goes_while_a_stack_is_watched() {
	mk watched.tar --name watched:1 --layer bb --cmd sleep 1000
	printf 'stack wt;\nservice a { image watched.tar; stop_grace_period 1s; }\n' >wt.conf
	for c in 'up wt.conf' 'run -q -f wt.conf a sleep 1000'; do
		"$MINIBOX" $c >watched.out 2>&1 &
		pid=$!
		until_ok 10 sh -c "$MINIBOX ps wt | grep -q running"
		# the command is past its start, too
		until_ok 10 sh -c "flock -n -x '$MINIBOX_ROOT/store.lock' true"
		mkdir -p "$MINIBOX_ROOT/tmp/layer.1.2/fs"
		status 0 mb images
		eq "$(ls "$MINIBOX_ROOT/tmp")" ''
		kill -INT $pid
		wait $pid || true
		status 0 mb down --timeout 1s wt
	done
	status 0 mb rmi watched:1
}
test_a_store_on_a_read_only_disk_can_be_read() {
	mk ro.tar --name ro:1 --layer bb
	status 0 mb load ro.tar
	mb save -o ro.saved ro:1
	mkdir -p "$MINIBOX_ROOT/tmp/layer.1.2/fs"
	status 0 unshare -m --propagation private sh -ec "
		mount --bind '$MINIBOX_ROOT' '$MINIBOX_ROOT'
		mount -o remount,bind,ro '$MINIBOX_ROOT'
		$MINIBOX images | grep ro:1
		$MINIBOX inspect ro:1 >/dev/null
		$MINIBOX df >/dev/null
		$MINIBOX save ro:1 | cmp - ro.saved
		for c in 'load ro.tar' 'rmi ro:1' 'tag ro:1 b:1' 'images --verify'; do
			! $MINIBOX \$c >ro.out 2>&1 || exit 1
			grep -q 'Read-only file system' ro.out
			[ \$(wc -l <ro.out) = 1 ]
		done"
	status 0 mb rmi ro:1
	eq "$(ls "$MINIBOX_ROOT/tmp")" ''
	status 2 mb --root /proc/nowhere --max-unpacked-size x load ro.tar
}
test_little_memory_and_few_descriptors_are_enough_or_told() {
	mk tight.tar --name tight:1 --file /etc/t=1 --layer bb
	# a limit of the caller's that is lower than the parser's own stays as it is
	(ulimit -v 300000 && status 0 mb load tight.tar)
	status 0 mb rmi tight:1
	for n in 12 16 20 24 28 32 40 48; do
		rc=0
		OUT=$(ulimit -n $n; timeout 20 "$MINIBOX" load tight.tar 2>&1) || rc=$?
		case $rc in
		0) break ;;
		1) has "$OUT" 'Too many open files' && eq "$(echo "$OUT" | wc -l)" 1 ;;
		*) fail "status $rc: $OUT" ;;
		esac
	done
	status 0 mb load tight.tar
	status 0 mb images --verify tight:1
	status 0 mb rmi tight:1
	eq "$(ls "$MINIBOX_ROOT/tmp")" ''
}
run_tests "$@"
