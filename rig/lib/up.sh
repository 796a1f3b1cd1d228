# Starts a rig, or those of its components that do not run. If all run, it does nothing.
# shellcheck shell=bash disable=SC2034,SC2154

up() {
  variant=${1:-cp}
  case $variant in api | cp | full) ;; *) die "up: \"$variant\", allowed are api, cp and full" ;; esac
  [[ $EUID == 0 || $variant != full ]] || die "up full needs root: it makes mounts, cgroups and a bridge"
  install_all "$variant"
  umask 022
  lock 9 "$RIG"
  settle
  mkdir -p "$PKI" "$LOGS" "$RIG/etcd" "$RIG_RUN"
  chmod 700 "$PKI" "$RIG/etcd"
  echo "$FORMAT" >"$RIG/format"
  ports
  [[ $variant != full ]] || alone
  echo "$variant" >"$RIG/variant"
  certificates
  network
  configure
  control_plane
  [[ $variant != full ]] || node
  [[ $variant == api ]] || controllers
  say "up: $variant, $API"
  echo "export KUBECONFIG=$PKI/admin.kubeconfig"
}

# The existing rig: state of another build is deleted, a smaller variant is extended, a larger one is used as it is.
settle() {
  local before
  if [[ -d $PKI && $(cat "$RIG/format" 2>/dev/null) != "$FORMAT" ]]; then
    say "the state in $RIG is another build's: starting anew"
    use down
    take_down
    wipe
    lock 9 "$RIG"
  fi
  before=$(cat "$RIG/variant" 2>/dev/null || true)
  running kube-apiserver || return 0
  case $before-$variant in
    full-*) variant=full ;;
    cp-api) variant="cp" ;;
    *-full)
      say "the control plane moves to the node's address"
      stop kube-controller-manager kube-apiserver ;;
  esac
}

# A machine can run one full node, because the bridge, the pods' cgroup and containerd's socket have fixed names.
alone() {
  local other
  other=$(full_rig)
  if [[ $other && $other != "$RIG" ]]; then
    case $other in
      /var/lib/k8s-rig) other="rig down" ;;
      /var/lib/k8s-rig-*) other="rig --name ${other#/var/lib/k8s-rig-} down" ;;
      *) other="rig down, with RIG=$other" ;;
    esac
    die "another full rig is not down: end it with \`$other\`"
  fi
  if ! running containerd && ctr -a "$CONTAINERD" --connect-timeout 1s version >/dev/null 2>&1; then
    die "another containerd answers at $CONTAINERD: end it (with systemd: \`systemctl stop containerd\`)"
  fi
  if [[ ! $other && $(cat /sys/fs/cgroup/{,*/}kubepods/{,*/,*/*/}cgroup.procs 2>/dev/null) ]]; then
    die "another kubelet's pods run on this machine"
  fi
}

control_plane() {
  start etcd "$KUBE" etcd --config-file "$RIG/etcd.yaml"
  await 30 etcd curl -fsS -m 2 "$ETCD_CLIENT/health"
  local kubelet=()
  [[ $variant != full ]] || kubelet=(
    --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP
    --kubelet-client-certificate="$PKI/apiserver-kubelet.crt" --kubelet-client-key="$PKI/apiserver-kubelet.key")
  start kube-apiserver "$KUBE" kube-apiserver \
    --etcd-servers="$ETCD_CLIENT" \
    --bind-address="$BIND" --advertise-address="$ADVERTISE" --secure-port="$API_PORT" \
    --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" \
    --client-ca-file="$PKI/ca.crt" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --service-cluster-ip-range="$SERVICE_CIDR" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$PKI/sa.pub" --service-account-signing-key-file="$PKI/sa.key" \
    "${kubelet[@]}" \
    --audit-policy-file="$RIG/audit.yaml" --audit-log-path="$LOGS/audit.log" --audit-log-maxsize=500 --audit-log-maxbackup=1 \
    --profiling=false --v=1
  await 90 kube-apiserver curl -fsS -m 3 --cacert "$PKI/ca.crt" "$API/readyz"
  manifests
  [[ $variant != api ]] || return 0
  start kube-controller-manager "$KUBE" kube-controller-manager \
    --kubeconfig="$PKI/controller-manager.kubeconfig" \
    --authentication-kubeconfig="$PKI/controller-manager.kubeconfig" \
    --authorization-kubeconfig="$PKI/controller-manager.kubeconfig" \
    --bind-address=127.0.0.1 --secure-port="$CONTROLLER_PORT" --leader-elect=false --use-service-account-credentials=true \
    --service-account-private-key-file="$PKI/sa.key" --root-ca-file="$PKI/ca.crt" \
    --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
    --kube-api-qps="$CONTROLLER_QPS" --kube-api-burst=$((CONTROLLER_QPS * 3 / 2)) \
    --allocate-node-cidrs=false --flex-volume-plugin-dir="$RIG/flex" --profiling=false --v=1
}

# applies the rig's own objects if they differ
manifests() {
  local now
  now=$(inputs "$RIG_HERE"/manifests/*)
  [[ $(cat "$RIG/applied" 2>/dev/null) != "$now" ]] || return 0
  # --force: some fields can only be set by creating the object again
  kubectl apply --force -f "$RIG_HERE/manifests/" >"$LOGS/apply.log" 2>&1 || { tail -n 5 "$LOGS/apply.log" >&2; die "the manifests were not taken"; }
  echo "$now" >"$RIG/applied"
}

# This takes some seconds, during which the node can start.
controllers() {
  # the first object that it creates and that pods need: without it pods are refused
  await 60 kube-controller-manager curl -fsS -m 2 --cacert "$PKI/ca.crt" --cert "$PKI/tools.crt" --key "$PKI/tools.key" \
    "$API/api/v1/namespaces/default/serviceaccounts/default"
}

node() {
  start kube-scheduler "$KUBE" kube-scheduler \
    --kubeconfig="$PKI/scheduler.kubeconfig" \
    --authentication-kubeconfig="$PKI/scheduler.kubeconfig" --authorization-kubeconfig="$PKI/scheduler.kubeconfig" \
    --bind-address=127.0.0.1 --secure-port="$SCHEDULER_PORT" --leader-elect=false --profiling=false --v=1
  start containerd containerd --config "$RIG/containerd.toml"
  await 30 containerd ctr -a "$CONTAINERD" version
  import
  start kubelet "$KUBE" kubelet \
    --config="$RIG/kubelet.yaml" --kubeconfig="$PKI/kubelet.kubeconfig" \
    --hostname-override="$NODE" --node-ip="$BIND" --root-dir="$RIG/kubelet" --v=1
  start kube-proxy "$KUBE" kube-proxy --config="$RIG/proxy.yaml" --v=1
  start rig-dns "$KUBE" rig-dns --kubeconfig "$PKI/dns.kubeconfig" --listen "$BIND:53" --ready "127.0.0.1:$DNS_READY"
  start pv-loop "$RIG_HERE/tools/pv-loop.sh" "$KUBECTL" "$PKI/tools.kubeconfig" "$RIG"
  await 60 kube-scheduler curl -fsSk -m 2 "https://127.0.0.1:$SCHEDULER_PORT/healthz"
  await 120 kubelet node_ready
  await 30 kube-proxy curl -fsS -m 2 "http://127.0.0.1:$PROXY_PORT/healthz"
  await 30 rig-dns curl -fsS -m 2 "http://127.0.0.1:$DNS_READY"
}

# Ready according to the kubelet that runs now: the status from an earlier kubelet stays for 40 seconds after its end
node_ready() {
  local at
  at=$(kubectl get node "$NODE" -o 'jsonpath={range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime}{end}')
  [[ $at == True\ * ]] && (($(date -d "${at#True }" +%s) >= $(stat -c %Y "$RIG_RUN/kubelet.pid")))
}
