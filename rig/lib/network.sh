# Addresses and ports. For a full node also the bridge of the pods, and the settings that `down` restores.
# shellcheck shell=bash disable=SC2034,SC2154

# What the kubelet, kube-proxy, containerd and the CNI plugins create outside of the rig's folders, or set for the whole machine.
# `down` removes everything that did not exist before the start of a full node.
TRACES=(/var/lib/kubelet /var/lib/cni /var/lib/containerd /var/log/pods /var/log/containers /run/containerd /run/runc
  /run/netns /run/mount /run/xtables.lock /opt/cni /opt/containerd)
SYSCTLS=(net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables fs.inotify.max_user_instances vm.overcommit_memory
  vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes
  net.ipv4.conf.all.route_localnet net.ipv4.vs.conntrack)

# listening FIRST LAST: whether a process listens at one of these ports
listening() {
  local p hex=
  for ((p = $1; p <= $2; p++)); do printf -v hex '%s|%04X' "$hex" "$p"; done
  awk -v p=":(${hex#|})\$" '$4 == "0A" && $2 ~ p { found = 1 } END { exit !found }' <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
}

# ports: ten consecutive ports, derived from the folder's name, below the kernel's ephemeral ports. If one is in use, the next
# ten. They are kept, so that a kubeconfig stays valid.
ports() {
  local base i
  base=$(cat "$RIG/ports" 2>/dev/null || true)
  [[ $base =~ ^2[0-9]{3}0$ ]] || base=$((20000 + $(cksum <<<"$RIG" | cut -d' ' -f1) % 1000 * 10))
  if ! running etcd && ! running kube-apiserver; then
    for ((i = 0; i < 1000; i++)); do
      listening "$base" $((base + 9)) || break
      base=$((20000 + (base - 20000 + 10) % 10000))
    done
  fi
  echo "$base" >"$RIG/ports"
  ETCD_CLIENT=http://127.0.0.1:$((base + 1)) ETCD_PEER=http://127.0.0.1:$((base + 2))
  CONTROLLER_PORT=$((base + 3)) SCHEDULER_PORT=$((base + 4)) PROXY_PORT=$((base + 5)) PROXY_METRICS=$((base + 6))
  KUBELET_PORT=$((base + 7)) DNS_READY=$((base + 8))
  API_PORT=$base
  # The API server publishes its address to pods, and refuses an address of 127/8 for that. Without pods nobody uses the
  # published address: it does not need to exist, and the API server listens at 127.0.0.1, which does not need root.
  BIND=127.0.0.1 ADVERTISE=$FULL_IP
  if [[ $variant == full ]]; then
    BIND=$FULL_IP API_PORT=6443
  elif [[ ${NODE_IP:-} ]]; then
    BIND=$NODE_IP
    [[ $NODE_IP == 127.* ]] || ADVERTISE=$NODE_IP
  fi
  ! running kube-apiserver || read -r BIND ADVERTISE API_PORT <"$RIG/endpoint"
  echo "$BIND $ADVERTISE $API_PORT" >"$RIG/endpoint"
  API=https://$BIND:$API_PORT
}

network() {
  if [[ $BIND != 127.* && ! $(ip -o addr show to "$BIND") ]]; then
    [[ $EUID == 0 ]] || die "this machine has no address $BIND, and only root can add it"
    ip addr add "$BIND/32" dev lo
    echo "$BIND" >"$RIG/address"
  fi
  [[ $variant == full ]] || return 0
  remember
  if ! ip link show rig0 >/dev/null 2>&1; then
    # a fixed MAC address: otherwise it changes with the first pod, and the neighbour tables of the pods are wrong
    ip link add rig0 address 02:72:69:67:00:01 type bridge
  fi
  [[ $(ip -o addr show dev rig0 to "$POD_GATEWAY") ]] || ip addr add "$POD_GATEWAY/${POD_CIDR#*/}" dev rig0
  ip link set rig0 up
  ip route replace "$SERVICE_CIDR" dev rig0
  set_sysctl net.ipv4.ip_forward 1
  # pods on one bridge only reach each other through a service address if bridged frames pass iptables
  set_sysctl net.bridge.bridge-nf-call-iptables 1
  set_sysctl fs.inotify.max_user_instances 1024
  iptables -C FORWARD -i rig0 ! -o rig0 -j REJECT 2>/dev/null || iptables -I FORWARD -i rig0 ! -o rig0 -j REJECT
}

# set_sysctl KEY VALUE: ignores a missing or read-only key; the component that needs it reports the error
set_sysctl() { echo "$2" 2>/dev/null >"/proc/sys/${1//./\/}" || true; }

# This note file records what existed before the start, and which rig is the full one. It is not in the rig's own folder,
# because that may be deleted at any time.
NOTE=$RIG_CACHE/full

full_rig() { [[ ! -e $NOTE ]] || sed -n '1s/^rig //p' "$NOTE"; }

remember() {
  local t key
  [[ ! -e $NOTE ]] || return 0
  {
    echo "rig $RIG"
    for t in "${TRACES[@]}"; do [[ -e $t ]] || echo "path $t"; done
    for key in "${SYSCTLS[@]}"; do
      [[ ! -r /proc/sys/${key//./\/} ]] || echo "sysctl $key $(cat "/proc/sys/${key//./\/}")"
    done
  } >"$NOTE.part"
  mv "$NOTE.part" "$NOTE"
}

# restores what `remember` recorded, unless it is in use
restore() {
  local what key value
  [[ -e $NOTE ]] || return 0
  while read -r what key value; do
    case $what in
      path) rm -rf --one-file-system "$key" ;;
      sysctl) [[ $(cat "/proc/sys/${key//./\/}") == "$value" ]] || set_sysctl "$key" "$value" ;;
    esac
  done <"$NOTE"
  rm -f "$NOTE"
}
