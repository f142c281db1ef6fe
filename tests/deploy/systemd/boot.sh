#!/bin/bash
# Boots a throw-away systemd as PID 1 of namespaces of its own, on a copy-on-write view of /.
# Usage: boot.sh STATE_DIR [DIR:AT …]    each DIR is bound read-only AT that path inside.
# It keeps the network of whoever started it: a mail server on the loopback address is reached from inside.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
state=$1
shift
mkdir -p "$state"
rm -f "$state/pid"

# A cgroup2 mount, wherever this machine has it.
groups=$(findmnt -n -t cgroup2 -o TARGET | head -1)
if [ -z "$groups" ]; then
    groups=$state/cgroup2
    mkdir -p "$groups"
    mount -t cgroup2 cgroup2 "$groups"
fi
own=$groups$(awk -F: '$1 == 0 { print $3 }' /proc/self/cgroup)
group=$groups/reminderd-test-$$
mkdir "$group"
echo "$group" >"$state/cgroup"

# Into the group, so that the cgroup namespace begins there; out again; then PID 1, which goes in for good.
export STATE=$state BINDS="$*" GROUP=$group OWN=$own HERE=$here
setsid bash -c '
    echo $$ >"$GROUP/cgroup.procs"
    exec unshare --cgroup bash -c "
        echo \$\$ >\"$OWN/cgroup.procs\"
        echo \$\$ >\"$STATE/outer\"
        exec unshare --fork --kill-child=SIGKILL --pid --mount --uts --ipc --propagation private \
            bash \"$HERE/init.sh\""
' </dev/null >"$state/console" 2>&1 &

fail() {
    echo "$1" >&2
    tail -20 "$state/console" >&2
    exit 1
}

pid=
for _ in $(seq 200); do
    outer=$(cat "$state/outer" 2>/dev/null || true)
    if [ -n "$outer" ]; then
        child=$(tr -d ' ' <"/proc/$outer/task/$outer/children" 2>/dev/null || true)
        if [ -n "$child" ] && [ "$(cat "/proc/$child/comm" 2>/dev/null)" = systemd ]; then
            pid=$child
            break
        fi
        kill -0 "$outer" 2>/dev/null || fail "It ended at once."
    fi
    sleep 0.05
done
[ -n "$pid" ] || fail "There is no PID 1."
echo "$pid" >"$state/pid"

for _ in $(seq 300); do
    how=$("$here/enter.sh" "$state" systemctl is-system-running 2>/dev/null || true)
    case $how in running | degraded) exit 0 ;; esac
    kill -0 "$pid" 2>/dev/null || fail "PID 1 ended."
    sleep 0.1
done
fail "It did not come up: $how"
