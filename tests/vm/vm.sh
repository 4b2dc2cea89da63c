#!/bin/bash
# vm.sh CMD ARG... - run CMD in a throw-away machine of the second kind: Debian 12's own kernel (6.1)
# and nothing but cgroup v2, by qemu. stdout, stderr and exit status are CMD's; 125 is our own failure.
# vm.sh --systemd CMD ARG... - the same under systemd, as a unit after multi-user.target; then `poweroff`.
# vm.sh [--systemd] --check - make ready what a run needs; status 1 and the reason on stdout if it cannot be had.
#
# The machine's root is this machine's, read-only, below a tmpfs: CMD has the caller's directory, PATH
# and BUILD, and what it writes is gone with it. TMPDIR is an empty ext4 of 8 GiB, for what must not lie
# on overlayfs; /var/tmp, /run and /dev/shm are tmpfs. SLOW is how much slower it is, roughly.
# VM_STORE is a file for that ext4, made if it is not there: what is on it is there at the next start,
# and with --systemd the units in its directory units/ are enabled.
#   VM_CACHE ~/.cache/minibox-vm   VM_TIMEOUT 600 s, then 124   VM_MEMORY 1536 MiB   VM_ACCEL tcg or kvm
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
CACHE=${VM_CACHE:-${HOME:-/root}/.cache/minibox-vm}
MEMORY=${VM_MEMORY:-1536}
ACCEL=${VM_ACCEL:-tcg}
VIRTIOFSD=/usr/lib/qemu/virtiofsd
BUSYBOX=$(command -v busybox)
GUEST=guest.sh NEEDS=
MODULES='virtio_pci|virtio_console|virtio_blk|virtiofs|overlay'

die() { echo "vm.sh: $*" >&2; exit 125; }
pack() { (cd "$1" && find . | "$BUSYBOX" cpio -o -H newc 2>/dev/null); }

# The first reason why no machine can be had here.
obstacle() {
	local t
	[ "$(id -u)" = 0 ] || { echo "not root"; return; }
	[ "$(uname -m)" = x86_64 ] || { echo "the kernel package is for x86-64"; return; }
	for t in $NEEDS qemu-system-x86_64 busybox mkfs.ext4 apt-get dpkg-deb "$VIRTIOFSD"; do
		command -v "$t" >/dev/null || { echo "$t is not installed"; return; }
	done
	mkdir -p "$CACHE" || { echo "no directory $CACHE"; return; }
	prepare >"$CACHE/log" 2>&1 # not in a condition: that would undo its set -e
	[ $? -eq 0 ] || echo "no kernel: $(tail -n 1 "$CACHE/log")"
}

# The kernel is unpacked, never installed.
prepare() (
	set -e
	exec 9>"$CACHE/lock"; flock 9
	if [ ! -e "$CACHE/kernel/ready" ]; then
		rm -rf "$CACHE/kernel"; mkdir -p "$CACHE/kernel"; cd "$CACHE/kernel"
		download || { apt-get update -qq; download; }
		dpkg-deb -x linux-image-*.deb .
		rm linux-image-*.deb
		"$BUSYBOX" depmod -b . "$(ls lib/modules)"
		touch ready
	fi
)
download() {
	apt-get download -qq "$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image-[0-9]/ {print $2; exit}')"
}
# Busybox and what reaches the root. Made for each run: checkouts share the cache.
make_initramfs() ( # OUT
	set -e
	tree=$RUN/initramfs.d; cd "$CACHE/kernel"; v=$(ls lib/modules)
	mkdir -p "$tree"/{bin,proc,sys,dev,lower,upper,root} "$tree/lib/modules/$v"
	install -m 755 "$BUSYBOX" "$tree/bin/busybox"
	install -m 755 "$HERE/init.sh" "$tree/init"
	(cd "lib/modules/$v" && grep -E "/($MODULES)\.ko:" modules.dep | tr -s ': ' '\n' | sort -u |
		xargs cp --parents -t "$tree/lib/modules/$v")
	"$BUSYBOX" depmod -b "$tree" "$v"
	pack "$tree" >"$1"
)

if [ "${1:-}" = --systemd ]; then
	GUEST=guest-systemd.sh NEEDS=/lib/systemd/systemd
	shift
fi
if [ "${1:-}" = --check ]; then
	why=$(obstacle)
	[ -z "$why" ] || { echo "$why"; exit 1; }
	exit 0
fi
[ $# -gt 0 ] || { sed -n '2,13s/^# //p' "$0"; exit 125; }
why=$(obstacle)
[ -z "$why" ] || die "$why"

# ---- one run ----
RUN=$(mktemp -d "${TMPDIR:-/tmp}/minibox-vm.XXXXXX") || exit 125
PIDS=()
cleanup() {
	for p in "${PIDS[@]}"; do kill "$p" 2>/dev/null; done
	wait
	rm -rf --one-file-system "$RUN"
}
trap cleanup EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
KERNEL=$(ls "$CACHE/kernel/lib/modules")

{
	printf 'cd %q || exit 125\nexport' "$PWD"
	for v in PATH HOME BUILD; do [ -z "${!v:-}" ] || printf ' %s=%q' "$v" "${!v}"; done
	printf ' TMPDIR=/tmp/store'; [ "$ACCEL" = kvm ] || printf ' SLOW=5'
	printf '\nexec'; printf ' %q' "$@"; echo
} >"$RUN/command"
STORE=${VM_STORE:-$RUN/store}
[ -s "$STORE" ] || { truncate -s 8G "$STORE" && mkfs.ext4 -q -F "$STORE"; } || die "no ext4 image"
make_initramfs "$RUN/initramfs" # not in a condition: that would undo its set -e
[ $? -eq 0 ] || die "no initramfs"

# What the machine may not write it cannot: the tree is read-only already on our side.
mkdir "$RUN/tree"
unshare -m --propagation slave sh -c 'mount --rbind / "$1" && mount -o remount,bind,ro "$1" &&
	exec "$2" --socket-path="$3" -o source="$1" -o sandbox=chroot -o cache=always -o log_level=err --rlimit-nofile=0' \
	sh "$RUN/tree" "$VIRTIOFSD" "$RUN/socket" >"$RUN/virtiofsd" 2>&1 &
PIDS+=($!)
for _ in $(seq 100); do [ -S "$RUN/socket" ] && break; sleep 0.05; done
[ -S "$RUN/socket" ] || die "virtiofsd: $(cat "$RUN/virtiofsd")"

exec 3> >(exec cat); OUT=$!
exec 4> >(exec cat >&2); ERR=$!
port() { echo "-chardev file,id=$1,path=$2 -device virtserialport,chardev=$1,name=$1"; }
accel=(-accel tcg -cpu max,la57=off)
[ "$ACCEL" != kvm ] || accel=(-accel kvm -cpu host)
# Emulated, a second processor costs more than it gives.
timeout -k 5 "${VM_TIMEOUT:-600}" qemu-system-x86_64 "${accel[@]}" -M q35 -smp 1 -m "$MEMORY" \
	-nodefaults -no-user-config -display none -no-reboot \
	-object "memory-backend-memfd,id=memory,size=${MEMORY}M,share=on" -numa node,memdev=memory \
	-kernel "$CACHE/kernel/boot/vmlinuz-$KERNEL" -initrd "$RUN/initramfs" \
	-append "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable cgroup_no_v1=all \
VM_RUN=$RUN VM_GUEST=$HERE/$GUEST VM_MODULES=$CACHE/kernel/lib/modules" \
	-serial "file:$RUN/console" -device virtio-rng-pci \
	-chardev "socket,id=root,path=$RUN/socket" -device vhost-user-fs-pci,chardev=root,tag=root \
	-drive "file=$STORE,format=raw,if=virtio,cache=unsafe" -device virtio-serial-pci \
	$(port out /proc/self/fd/3) $(port err /proc/self/fd/4) $(port status "$RUN/status") \
	</dev/null >"$RUN/qemu" 2>&1 &
QEMU=$!
PIDS+=($QEMU)
exec 3>&- 4>&-
wait $QEMU; ended=$?
wait $OUT $ERR
status=$(tr -dc 0-9 <"$RUN/status")
[ -z "$status" ] || exit "$status"
[ $ended -ne 124 ] || { echo "vm.sh: ended after ${VM_TIMEOUT:-600} s" >&2; exit 124; }
cat "$RUN/qemu" "$RUN/console" >&2
die "the machine ended without a status"
