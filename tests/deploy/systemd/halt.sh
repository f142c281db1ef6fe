#!/bin/bash
# Usage: halt.sh STATE_DIR    has systemd stop everything and end; what does not end is ended.
set -uo pipefail
pid=$(cat "$1/pid" 2>/dev/null) || exit 0
kill -s RTMIN+3 "$pid"
for _ in $(seq 200); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
done
kill -0 "$pid" 2>/dev/null && kill -KILL "$pid"
group=$(cat "$1/cgroup")
for _ in $(seq 50); do
    find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
    [ -d "$group" ] || break
    sleep 0.1
done
if mountpoint -q "$1/cgroup2"; then umount "$1/cgroup2"; fi
rm -f "$1/pid"
