# guest.sh - second part of the machine's start: what a system has mounted, then the command.
# busybox sh; VM_RUN and VM_MODULES come from the kernel's command line.
/.vm/busybox mkdir /.vm/bin
/.vm/busybox --install -s /.vm/bin
export PATH=/.vm/bin

mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620,gid=5,ptmxmode=666 devpts /dev/pts
for t in /dev/shm /var/tmp /run; do mount -t tmpfs -o mode=1777 tmpfs $t; done
chmod 755 /run
for f in 0:stdin 1:stdout 2:stderr; do ln -sf /proc/self/fd/${f%:*} /dev/${f#*:}; done
ln -sfn /proc/self/fd /dev/fd
mount -t securityfs securityfs /sys/kernel/security
mkdir -p /lib/modules
mount --bind "$VM_MODULES" /lib/modules
[ -e /sbin/modprobe ] || ln -s /.vm/busybox /sbin/modprobe

# As under systemd, the command is in a group of its own, and processes are in leaves only.
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/vm.scope
mkdir -p /tmp/store
mount -t ext4 /dev/vda /tmp/store
ip link set lo up
hostname vm
for p in /sys/class/virtio-ports/*; do
	[ ! -s $p/name ] || ln -s /dev/${p##*/} /dev/$(cat $p/name)
done
(
	echo 0 >/sys/fs/cgroup/vm.scope/cgroup.procs
	exec setsid /bin/bash "$VM_RUN/command" </dev/null >/dev/out 2>/dev/err
)
echo $? >/dev/status
sync
poweroff -f
