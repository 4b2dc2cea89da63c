#!/bin/busybox sh
# init.sh - first process of the machine, in its initramfs: this machine's root below a tmpfs.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
fail() { echo "init: $*" >/dev/console; poweroff -f; }

for m in virtio_pci virtio_console virtio_blk virtiofs overlay; do modprobe $m || fail "no module $m"; done
mount -t virtiofs -o ro root /lower || fail "no root"
mount -t tmpfs -o size=80%,mode=755 upper /upper
mkdir /upper/upper /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/upper,workdir=/upper/work root /root || fail "no overlay"
mkdir -p /root/.vm
cp /bin/busybox /root/.vm/busybox
# before anything runs there: busybox finds itself by /proc/self/exe
for d in dev proc sys; do mount --move /$d /root/$d; done
exec switch_root /root /.vm/busybox sh "$VM_GUEST"
