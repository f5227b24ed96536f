#!/usr/bin/env bash
# Start a SLURM of one node on this machine, as root: munged, slurmctld and slurmd on the loopback interface, without
# systemd, cgroups or accounting. Prints the configuration file that SLURM_CONF must name.
# Usage: start.sh FOLDER (needs the Debian packages slurm-wlm and munge)
set -euo pipefail
folder=$(realpath -m "${1:?usage: start.sh FOLDER}")
host=$(hostname -s)
mkdir -p "$folder/state" "$folder/spool"

# Munge refuses keys and sockets below folders that others may write to, as those of temporary files are.
munge=/run/munge-nipype-labels
mkdir -p -m 755 "$munge"
if [ ! -s "$munge/key" ]; then
    head -c 1024 /dev/urandom > "$munge/key"
    chmod 400 "$munge/key"
fi
/usr/sbin/munged --force --key-file="$munge/key" --socket="$munge/socket" --pid-file="$munge/pid" \
    --log-file="$munge/log" --seed-file="$munge/seed"

cat > "$folder/slurm.conf" <<CONF
ClusterName=nipype-labels
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16917
SlurmdPort=16918
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$munge/socket
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
# By process group: a walk over the process tree misses a child that is being started while its parent is killed.
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1
CompleteWait=0
KillWait=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=4000 State=UNKNOWN
PartitionName=debug Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$folder/slurm.conf
/usr/sbin/slurmctld -f "$SLURM_CONF"
/usr/sbin/slurmd -f "$SLURM_CONF"
for _ in $(seq 100); do
    if [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; then
        echo "$SLURM_CONF"
        exit 0
    fi
    sleep 0.1
done
echo "the node never became idle; see $folder/*.log" >&2
exit 1
