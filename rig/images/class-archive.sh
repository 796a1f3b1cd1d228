#!/usr/bin/env bash
# A layer with an archive of the classes that Flink's processes load, already parsed and verified (class data sharing):
# class-archive.sh OUT.tar LAYER.tar...      the layers of the image without it; needs root
# It takes a JobManager and a TaskManager a quarter less of processor time to start. The JVM uses the archive only with the
# class path, the jars and the Java runtime that it was made with, so it is made in the image's own files: a JobManager and
# a TaskManager run a job there, cut off from the network, and list the classes that they load.
set -euo pipefail
out=$(realpath "${1:?usage: class-archive.sh OUT.tar LAYER.tar...}")
shift
if [[ ! ${APART:-} ]]; then
  root=$(mktemp -d)
  # its mounts are the namespace's below, and have ended with it
  trap 'rm -rf --one-file-system "$root"' EXIT
  for layer in "$@"; do tar -xf "$layer" -C "$root"; done
  APART=1 root=$root unshare --mount --net --pid --fork --kill-child --mount-proc "$0" "$out"
  exit
fi

mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
ip link set lo up
echo "127.0.0.1 localhost $(hostname)" >"$root/etc/hosts"
home=/$(cd "$root" && ls -d usr/lib/jvm/java-[0-9]*-openjdk-* | grep -v "java-1\." | head -n 1)
lists=/tmp/classes
mkdir -m 777 "$root$lists"
properties="jobmanager.rpc.address: localhost
jobmanager.memory.process.size: 1000m
taskmanager.memory.process.size: 1000m
execution.checkpointing.interval: 500 ms
execution.checkpointing.dir: file:///tmp/checkpoints
high-availability.type: kubernetes
high-availability.storageDir: file:///tmp/ha
kubernetes.cluster-id: a"
# as the image starts: with user and environment
flink() {
  local list=$1
  shift
  chroot --userspec=9999:9999 "$root" /usr/bin/env -i --chdir=/opt/flink FLINK_HOME=/opt/flink JAVA_HOME="$home" PATH="/opt/flink/bin:$home/bin:/usr/bin:/bin" \
    JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 JVM_ARGS="-XX:DumpLoadedClassList=$lists/$list" \
    KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=1 _POD_IP_ADDRESS=127.0.0.1 \
    FLINK_PROPERTIES="$properties" /docker-entrypoint.sh "$@"
}
# One with Kubernetes ends where it would talk to the API server; one without runs a job. They write the same configuration
# file, so each begins when the one before has read it.
flink kubernetes timeout 20 bash -c 'bin/kubernetes-jobmanager.sh kubernetes-application -Dkubernetes.namespace=a' >"$root/tmp/kubernetes.log" 2>&1 || true
properties=${properties/high-availability.type: kubernetes/high-availability.type: NONE}
flink jobmanager standalone-job --job-classname TestJob >"$root/tmp/jobmanager.log" 2>&1 &
answer() { curl -fsS -m 2 "http://127.0.0.1:8081$1" 2>/dev/null; }
# eventually REGULAR_EXPRESSION PATH
eventually() {
  for _ in $(seq 240); do
    ! answer "$2" | grep -oE "$1" || return 0
    sleep 0.5
  done
  tail -n 20 "$root"/tmp/*.log >&2
  echo "$2 has not answered $1" >&2
  exit 1
}
job=$(eventually '[0-9a-f]{32}' /jobs)
flink taskmanager taskmanager >"$root/tmp/taskmanager.log" 2>&1 &
eventually '"completed":[1-9]' "/jobs/$job/checkpoints"
pkill -TERM -x java || true
wait
wc -l "$root$lists"/*
# without what other class loaders have loaded, and without numbers that are each process's own
sed -E '/ source: /d; s/ id: [0-9]+//' "$root$lists"/* | sort -u >"$root$lists/all"
path=$(chroot "$root" /bin/bash -c 'cd /opt/flink/bin && FLINK_LIB_DIR=/opt/flink/lib && eval "$(sed -n "/^constructFlinkClassPath()/,/^}/p" config.sh)" && constructFlinkClassPath')
chroot "$root" "$home/bin/java" -Xshare:dump -XX:SharedClassListFile="$lists/all" -XX:SharedArchiveFile=/opt/flink/flink.jsa -cp "$path" | tail -n 3
tar -C "$root" --owner=9999 --group=9999 --numeric-owner --mtime=@0 -cf "$out.part" opt/flink/flink.jsa
mv "$out.part" "$out"
