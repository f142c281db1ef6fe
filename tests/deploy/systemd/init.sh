#!/bin/bash
# Runs as PID 1 of the new namespaces: builds the root, then becomes systemd. Started by boot.sh.
set -euo pipefail
echo 1 >"$GROUP/cgroup.procs" 2>/dev/null || echo 0 >"$GROUP/cgroup.procs"

root=$STATE/root
over=$STATE/over
mkdir -p "$root" "$over"
mount -t tmpfs -o mode=755,size=50% reminderd-test "$over"
mkdir "$over/upper" "$over/work"
mount -t overlay reminderd-test -o "lowerdir=/,upperdir=$over/upper,workdir=$over/work" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read -r name major minor <<<"$node"
    mknod -m 666 "$root/dev/$name" c "$major" "$minor"
done
ln -s /proc/self/fd "$root/dev/fd"
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${stream%%:*}" "$root/dev/${stream##*:}"; done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"

for bind in $BINDS; do
    mkdir -p "$root${bind#*:}"
    mount --bind "${bind%%:*}" "$root${bind#*:}"
    mount -o remount,bind,ro "$root${bind#*:}"
done

# Nothing of this machine's own, and no unit that wants real hardware.
: >"$root/etc/fstab"
rm -f "$root/etc/machine-id"
: >"$root/etc/machine-id"
echo reminderd-test >"$root/etc/hostname"
rm -rf "$root/var/log/journal"
rm -f "$root/usr/sbin/policy-rc.d"
units=$root/run/systemd/system
mkdir -p "$units" "$root/run/systemd/journald.conf.d"
cat >"$units/reminderd-test.target" <<'UNIT'
[Unit]
Description=A small boot
Requires=basic.target dbus.socket
After=basic.target dbus.socket
AllowIsolate=yes
UNIT
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\nForwardToConsole=no\nAudit=no\n' \
    >"$root/run/systemd/journald.conf.d/test.conf"
masked=(
    systemd-udevd.service systemd-udev-trigger.service systemd-udev-settle.service systemd-udevd-control.socket
    systemd-udevd-kernel.socket systemd-remount-fs.service systemd-modules-load.service systemd-timesyncd.service
    systemd-resolved.service systemd-networkd.service systemd-networkd.socket systemd-network-generator.service
    systemd-binfmt.service systemd-pstore.service systemd-random-seed.service systemd-sysctl.service
    systemd-firstboot.service systemd-update-utmp.service systemd-update-utmp-runlevel.service
    systemd-hwdb-update.service systemd-machine-id-commit.service systemd-boot-system-token.service
    systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-pcrmachine.service systemd-journald-audit.socket
    systemd-initctl.socket systemd-ask-password-console.path systemd-ask-password-wall.path systemd-repart.service
    systemd-fsckd.socket proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount dev-hugepages.mount
    dev-mqueue.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount
    sys-fs-fuse-connections.mount tmp.mount apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer
    e2scrub_all.timer fstrim.timer man-db.timer keyboard-setup.service console-setup.service getty.target
    console-getty.service ssh.service
)
for unit in "${masked[@]}"; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done

mkdir -p "$root/run/host"
echo reminderd-test >"$root/run/host/container-manager"
cd "$root"
mkdir -p run/before
pivot_root . run/before
umount -l /run/before
rmdir /run/before
mount --make-rshared / # else LoadCredential= leaves an empty folder
hostname reminderd-test
exec env -i container=reminderd-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    /lib/systemd/systemd --system --unit=reminderd-test.target --log-target=journal --show-status=no </dev/null
