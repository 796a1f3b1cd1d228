# Stops a rig and removes everything that it left on the machine.
# shellcheck shell=bash

down() {
  local wiping=0
  case ${1:-} in '') ;; --wipe) wiping=1 ;; *) die "down: \"$1\", allowed is --wipe" ;; esac
  if [[ ! -d $RIG && ! -d $RIG_RUN && $(full_rig) != "$RIG" && -z $(marked '') ]]; then return 0; fi
  lock 9 "$RIG"
  take_down
  ((wiping == 0)) || wipe
}

take_down() {
  local full=0 pid
  # a bridge that no note file lists was created by an older version
  if [[ $(full_rig) == "$RIG" || (! $suffix && ! -e $NOTE && -e /sys/class/net/rig0) ]]; then full=1; fi
  stop pv-loop rig-dns kube-proxy kube-scheduler kube-controller-manager kubelet
  ((full == 0)) || end_pods
  stop containerd
  stop kube-apiserver
  stop etcd
  for pid in $(marked ''); do kill -9 "$pid" 2>/dev/null || true; done
  ((full == 0)) || end_node
  if [[ -e $RIG/address ]]; then
    ip addr del "$(<"$RIG/address")/32" dev lo 2>/dev/null || true
    rm -f "$RIG/address"
  fi
  rm -rf "$RIG_RUN"
}

# Containers survive the kubelet, and their shims survive containerd. They are stopped through containerd while it runs;
# otherwise they are found by their cgroup and by RIG_MARK.
end_pods() {
  local c="ctr -a $CONTAINERD --connect-timeout 2s -n k8s.io"
  if running containerd && $c version >/dev/null 2>&1; then
    $c tasks ls -q | xargs -r -n 4 -P 4 $c tasks rm -f >/dev/null 2>&1 || true
    $c containers ls -q | xargs -r $c containers rm >/dev/null 2>&1 || true
  fi
  pods_processes | xargs -r kill -9 2>/dev/null || true
}

pods_cgroups() { local c; for c in /sys/fs/cgroup/kubepods /sys/fs/cgroup/*/kubepods; do [[ ! -d $c ]] || echo "$c"; done; }
pods_processes() { local c; for c in $(pods_cgroups); do find "$c" -name cgroup.procs -exec cat {} + 2>/dev/null; done | sort -u; }

end_node() {
  local c n
  for _ in 1 2 3 4 5; do
    unmount
    # a network namespace of a pod of this cluster has no process any more
    for n in $(ip netns list 2>/dev/null | awk '/^cni-/ { print $1 }'); do
      [[ $(ip netns pids "$n" 2>/dev/null) ]] || ip netns del "$n" 2>/dev/null || true
    done
    for c in $(pods_cgroups); do find "$c" -depth -type d -exec rmdir {} \; 2>/dev/null || true; done
    [[ $(pods_cgroups) ]] || break
    pods_processes | xargs -r kill -9 2>/dev/null || true
    sleep 0.3 # until the kernel has removed the killed processes
  done
  rules iptables
  rules ip6tables
  [[ $PROXY_MODE != nftables || ! -x $KUBE ]] || timeout 30 "$KUBE" kube-proxy --cleanup >/dev/null 2>&1 || true
  ip link del rig0 2>/dev/null || true
  ip addr del "$FULL_IP/32" dev lo 2>/dev/null || true
  rm -rf --one-file-system "$RIG/kubelet/pods" "$RIG/pod-logs"
  restore
}

# rules iptables|ip6tables: all rules except those of kubelet, kube-proxy, port mappings and the rig
rules() {
  local all
  all=$("$1-save" -c 2>/dev/null) || return 0
  ! grep -qE 'KUBE-|CNI-|rig0' <<<"$all" || grep -vE 'KUBE-|CNI-|rig0' <<<"$all" | "$1-restore" -c
}

# mounts of pods (token and secret volumes are tmpfs) and of containers, deepest first
unmount() {
  local m
  awk -v a="$RIG/" -v b="$RIG_RUN/" -v c="$STORE/" -v d="/run/containerd/" \
    'index($2, a) == 1 || index($2, b) == 1 || index($2, c) == 1 || index($2, d) == 1 { print $2 }' /proc/mounts | sort -ur |
    while read -r m; do umount -l "$m" 2>/dev/null || true; done
}

wipe() {
  # `rm` would delete the files behind a mount that still exists
  ! awk -v a="$RIG/" 'index($2, a) == 1 { found = 1 } END { exit !found }' /proc/mounts || die "something is still mounted under $RIG"
  rm -rf --one-file-system "$RIG"
}
