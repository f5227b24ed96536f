#!/usr/bin/env bash
# Stop what start.sh started. Usage: stop.sh FOLDER
folder=${1:?usage: stop.sh FOLDER}
for file in "$folder/slurmd.pid" "$folder/slurmctld.pid" /run/munge-nipype-labels/pid; do
    [ -s "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null
    for _ in $(seq 50); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
done
exit 0
