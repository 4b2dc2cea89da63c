# guest-systemd.sh - second part of the machine's start, where systemd is to be its first process: what
# of this machine's units shall not run is masked, the command becomes a unit, and systemd goes on.
# busybox sh; VM_RUN and VM_MODULES come from the kernel's command line.
/.vm/busybox mkdir /.vm/bin
/.vm/busybox --install -s /.vm/bin
export PATH=/.vm/bin
mkdir -p /lib/modules
mount --bind "$VM_MODULES" /lib/modules
[ -e /sbin/modprobe ] || ln -s /.vm/busybox /sbin/modprobe
mkdir -p /tmp/store
mount -t ext4 /dev/vda /tmp/store
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
for p in /sys/class/virtio-ports/*; do
	[ ! -s $p/name ] || ln -s /dev/${p##*/} /dev/$(cat $p/name)
done

# Nothing that is enabled here; nothing that looks for hardware, seats or the network.
units=/etc/systemd/system
rm -rf $units
mkdir -p $units/multi-user.target.wants
for u in systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket \
	systemd-udev-trigger.service systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service \
	systemd-tmpfiles-clean.timer systemd-logind.service systemd-user-sessions.service getty.target \
	systemd-random-seed.service systemd-sysusers.service systemd-update-utmp.service \
	systemd-update-utmp-runlevel.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
	systemd-modules-load.service kmod-static-nodes.service dev-hugepages.mount \
	sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
	sys-fs-fuse-connections.mount systemd-firstboot.service systemd-machine-id-commit.service \
	systemd-repart.service systemd-pcrphase.service systemd-pcrphase-sysinit.service \
	systemd-journal-flush.service systemd-sysctl.service systemd-ask-password-console.path \
	systemd-ask-password-wall.path systemd-remount-fs.service tmp.mount; do
	ln -s /dev/null $units/$u
done
# Units that an earlier run left on the disk are enabled: they start at boot.
for u in /tmp/store/units/*; do
	[ -e "$u" ] || continue
	cp "$u" $units/
	ln -s "$units/${u##*/}" $units/multi-user.target.wants/
done

cat >$units/vm-command.service <<EOU
[Unit]
Description=the command of vm.sh
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash /.vm/command
EOU
cat >/.vm/command <<EOU
/bin/bash "$VM_RUN/command" </dev/null >/dev/out 2>/dev/err
echo \$? >/dev/status
systemctl --no-block poweroff
EOU
cat >$units/default.target <<EOU
[Unit]
Wants=multi-user.target vm-command.service
After=multi-user.target
EOU
echo vm >/etc/hostname
exec /lib/systemd/systemd --log-target=kmsg --show-status=no
