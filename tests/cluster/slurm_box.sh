#!/bin/bash
# SLURM on one machine: a controller and two nodes, n0 and n1, of $CPUS each [default: 1], with the
# partitions low, whose jobs give way and are put back, and high.
#
#     slurm_box.sh COMMAND [ARGUMENT...]      runs the command where sbatch works
#
# All of it lives in a throw-away copy of the root folder, in which Debian's slurm-wlm is installed unless
# it is there: when the command ends, nothing stays behind but what it wrote under $KEEP [default: here].
# The exit code is the command's; 77 where no such cluster can be had: not root, or no packages.
set -u

if [ -z "${IN_BOX:-}" ]; then
  [ "$(id -u)" = 0 ] || exit 77
  export IN_BOX=1 BOX_SCRIPT=$(realpath "$0") BOX_FOLDER=$PWD KEEP=${KEEP:-$PWD}
  exec unshare --mount --pid --fork --kill-child --mount-proc bash -c '
    mount --make-rprivate /
    box=$(mktemp -d) && mount -t tmpfs -o size=4g none "$box" && cd "$box" && mkdir upper work root
    mount -t overlay overlay -o "lowerdir=/,upperdir=$box/upper,workdir=$box/work" root || exit 77
    cd root && mount --rbind /dev dev && mount -t proc proc proc && mount --rbind /sys sys
    mkdir -p ".$KEEP" && mount --bind "$KEEP" ".$KEEP"
    exec chroot . bash "$BOX_SCRIPT" "$@"' box "$@"
fi

install_slurm() {
  printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d  # start nothing
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm munge
}
command -v slurmctld > /dev/null || install_slurm > /tmp/apt.log 2>&1 || { tail -5 /tmp/apt.log >&2; exit 77; }

host=$(hostname -s)
mkdir -p /run/munge /tmp/slurm/state /etc/slurm && chown munge /run/munge
runuser -u munge -- /usr/sbin/munged --force
echo "CgroupAutomount=no" > /etc/slurm/cgroup.conf
cat > /etc/slurm/slurm.conf <<END
ClusterName=box
SlurmctldHost=$host
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5                  # a job that was put back may start again after so many seconds
StateSaveLocation=/tmp/slurm/state
SlurmdSpoolDir=/tmp/slurm/spool-%n
SlurmdPidFile=/tmp/slurm/%n.pid
SlurmctldPidFile=/tmp/slurm/controller.pid
SlurmctldLogFile=/tmp/slurm/controller.log
SlurmdLogFile=/tmp/slurm/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=10
KillWait=3
JobRequeue=1
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=n[0-1] NodeHostname=$host Port=[17001-17002] CPUs=${CPUS:-1} RealMemory=2000 State=UNKNOWN
PartitionName=low Nodes=n[0-1] Default=YES PriorityTier=1 PreemptMode=REQUEUE GraceTime=10 MaxTime=INFINITE State=UP
PartitionName=high Nodes=n[0-1] PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE State=UP
END

slurmctld
sleep 1
slurmd -N n0
slurmd -N n1
for _ in $(seq 30); do
  [ "$(sinfo --noheader --states=idle --format=%D --partition=low)" = 2 ] && break
  sleep 0.5
done
cd "$BOX_FOLDER" || exit 1
"$@"
