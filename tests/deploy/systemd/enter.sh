#!/bin/bash
# Usage: enter.sh STATE_DIR COMMAND …    runs it inside, as root, in /.
set -euo pipefail
pid=$(cat "$1/pid")
shift
exec nsenter --target "$pid" --mount --pid --uts --ipc --cgroup --wdns=/ -- \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root TERM=dumb \
    SYSTEMD_PAGER= SYSTEMD_COLORS=0 "$@"
