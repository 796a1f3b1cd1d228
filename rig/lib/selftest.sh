# Tests of the rig: selftest [cp|flink|full]; `full` runs all. Other rigs may run at the same time, but not a full node.
# shellcheck shell=bash

checked=0
ok() { checked=$((checked + 1)); say "ok: $*"; }
no() { die "selftest: not so: $*"; }

# check WHAT command...
check() { if "${@:2}" >/dev/null 2>&1; then ok "$1"; else no "$1"; fi; }

# eventually SECONDS WHAT command...: repeats it until it succeeds
eventually() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < limit)) || no "not in time: $what"
    sleep 0.5
  done
  ok "$what"
}

k() { "$RIG_HERE/rig" --name "$rig" kubectl "$@"; }
is() { [[ $("${@:2}" 2>/dev/null) == "$1" ]]; }

selftest() {
  local before what=${1:-full} rig
  use down network
  before=$(traces)
  case $what in
    cp) selftest_cp ;;
    flink | full)
      [[ $what != full ]] || selftest_cp
      rig=selftest
      "$RIG_HERE/rig" --name $rig down --wipe
      "$RIG_HERE/rig" --name $rig up full
      [[ $what != full ]] || selftest_node
      use flinktest
      local v parallelism=1
      for v in $FLINK_VERSIONS; do
        selftest_flink "$v" "$parallelism"
        parallelism=2
      done
      "$RIG_HERE/rig" --name $rig down --wipe ;;
    *) die "selftest: \"$what\", allowed are cp, flink and full" ;;
  esac
  # the kernel and process 1 may need a moment to remove ended processes
  eventually 10 "nothing is left on the machine" is "$before" traces
  echo "selftest: $checked passed, 0 failed"
}

# everything that a full rig could leave behind and that other programs do not create, because those may start and end during this test
traces() {
  RIG=/var/lib/k8s-rig-selftest marked ''
  RIG=/var/lib/k8s-rig-selftest-cp marked ''
  pgrep -f -- "-address $CONTAINERD|--config /var/lib/k8s-rig-selftest" || true
  awk '{ print $2, $3 }' /proc/mounts | grep -E "k8s-rig-selftest|$STORE|^/run/(containerd|netns)|^/var/lib/kubelet" || true
  ip -o link | grep -oE ' (rig0|veth[^:]*):' || true
  ip -o addr show dev lo | grep -oF "$FULL_IP" || true
  ip route | grep -F "$SERVICE_CIDR" || true
  { iptables-save; ip6tables-save; } 2>/dev/null | grep -E 'KUBE-|CNI-|rig0' || true
  pods_cgroups
  local path key
  for path in /var/lib/k8s-rig-selftest* /run/k8s-rig-selftest* "${TRACES[@]}" /usr/libexec/kubernetes; do
    [[ ! -e $path || $path == /run/xtables.lock ]] || echo "$path"
  done
  for key in "${SYSCTLS[@]}"; do echo "$key $(cat "/proc/sys/${key//./\/}" 2>/dev/null)"; done
}

selftest_cp() {
  rig=selftest-cp
  "$RIG_HERE/rig" --name $rig down --wipe
  "$RIG_HERE/rig" --name $rig up api
  check "the API server alone answers" is "" k get nodes -o name
  "$RIG_HERE/rig" --name $rig up cp
  k apply -f - >/dev/null <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "busybox:1"}]}
Y
  eventually 20 "a Deployment has a ReplicaSet and two Pods" is "2" k get rs -l app=web -o 'jsonpath={.items[0].status.replicas}'
  k delete deployment web --cascade=foreground >/dev/null
  eventually 20 "deleted in the foreground, its Pods are gone with it" is "" k get deploy,rs,pods -o name
  local config calls
  config=$("$RIG_HERE/rig" --name $rig kubeconfig)
  "$KUBECTL" --kubeconfig "$config" --cache-dir "$(mktemp -d -p "$(dirname "$config")")" get configmaps >/dev/null
  calls=$("$RIG_HERE/rig" --name $rig audit --user rig-admin --by verb,resource)
  check "the audit log has the one list of configmaps that was made" grep -qE '^ +1  list  configmaps$' <<<"$calls"
  # both at the same time: one waits for the other, and has nothing to do
  "$RIG_HERE/rig" --name $rig up cp 2>/dev/null >&2 &
  check "\`up\` while another \`up\` is at it" "$RIG_HERE/rig" --name $rig up cp
  check "and that one is content too" wait $!
  # the state after a crash: one process has ended, and the id of another one is lost
  RIG=/var/lib/k8s-rig-$rig RIG_RUN=/run/k8s-rig-$rig
  kill -9 "$(process kube-apiserver)"
  rm "$RIG_RUN/kube-controller-manager.pid"
  check "\`status\` shows a crash" is "etcd running,kube-apiserver down,kube-controller-manager down" components
  check "\`up\` mends it" "$RIG_HERE/rig" --name $rig up cp
  check "all of it" is "etcd running,kube-apiserver running,kube-controller-manager running" components
  check "with one process of each" is 1 count marked kube-controller-manager
  "$RIG_HERE/rig" --name $rig down --wipe
  check "\`down\` leaves no process" is "" marked ''
  check "and no folder" test ! -e "$RIG" -a ! -e "$RIG_RUN"
}

selftest_node() {
  k apply -f - >/dev/null <<'Y'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: java}
spec:
  restartPolicy: Never
  containers:
  - {name: java, image: "flink:2.2.1", command: [java, -version]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: web, image: "busybox:1", command: [sh, -c, "mkdir /www; echo hello >/www/index.html; exec httpd -f -p 8080 -h /www"]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {runAsUser: 9999, runAsGroup: 9999}
  containers:
  - name: client
    image: busybox:1
    command: [sh, -c, "id -u >/data/user; exec sleep 10000"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
Y
  eventually 60 "a pod of the image flink:2.2.1 ended well" is Succeeded k get pod java -o 'jsonpath={.status.phase}'
  check "Java there is $(k logs java | sed -n 's/^openjdk version "\([^"]*\)".*/\1/p')" grep -q 'openjdk version "17' <(k logs java)
  eventually 60 "a pod with a volume runs" is Running k get pod client -o 'jsonpath={.status.phase}'
  eventually 10 "user 9999 wrote to its volume" is 9999 k exec client -- cat /data/user
  eventually 20 "a service's name is an address" k exec client -- nslookup web.default.svc.cluster.local
  # no wget: Debian's static busybox crashes when it resolves a user or a host name
  check "the service answers at its address" is hello fetch "$(k get service web -o 'jsonpath={.spec.clusterIP}')"
  k delete pod client java web --wait=true >/dev/null
  k delete pvc data >/dev/null
  eventually 20 "with the claim its directory is gone" is "" ls "/var/lib/k8s-rig-$rig/volumes"
}

components() { "$RIG_HERE/rig" --name "$rig" status | awk '$2 == "running" || $2 == "down" { print $1, $2 }' | paste -sd,; }
count() { "$@" | wc -l; }
fetch() { curl -fsS -m 5 --retry 20 --retry-delay 1 --retry-all-errors "http://$1/"; }
