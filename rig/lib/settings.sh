# Settings; each of them can be set in the environment before. $name is what --name gave.
# shellcheck shell=bash disable=SC2034
K8S_VERSION=1.34.10
FLINK_VERSIONS=${FLINK_VERSIONS:-1.20.5 2.2.1}

[[ ! $name || $name =~ ^[a-z0-9][a-z0-9-]{0,30}$ ]] || { echo "rig: name \"$name\": lower-case letters, digits and dashes, up to 31" >&2; exit 2; }
suffix=${name:+-$name}
home=${HOME:-$(getent passwd "$EUID" | cut -d: -f6)}

# what is built or downloaded, for every rig of this user; may be deleted when all of them are down
RIG_CACHE=${RIG_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/flink-kubernetes-operator}
# what one rig keeps (certificates, etcd, volumes, logs) and what it has while it runs (process ids, sockets)
if [[ $EUID == 0 ]]; then
  RIG=${RIG:-/var/lib/k8s-rig$suffix}
  RIG_RUN=${RIG_RUN:-/run/k8s-rig$suffix}
else
  RIG=${RIG:-${XDG_STATE_HOME:-$home/.local/state}/k8s-rig$suffix}
  RIG_RUN=${RIG_RUN:-$RIG/run}
fi
PKI=$RIG/pki
LOGS=$RIG/logs
KUBE=$RIG_CACHE/bin/kube-full          # all of Kubernetes in one program, and a DNS server for it
KUBECTL=$RIG_CACHE/bin/kubectl
STORE=$RIG_CACHE/containerd            # unpacked images: they take a minute to import, so `down --wipe` leaves them
NODE=${NODE:-rig}

# 198.18.0.0/15 is set aside for test networks: never routed, nobody's own. Services are routed to the pods' bridge,
# so that what no rule has translated ends there and not on the machine's way out.
POD_CIDR=${POD_CIDR:-198.18.0.0/24}
POD_GATEWAY=${POD_GATEWAY:-198.18.0.1}
SERVICE_CIDR=${SERVICE_CIDR:-198.19.0.0/18}   # each Flink cluster takes an address: a /24 ends at 250 of them
SERVICE_FIRST=${SERVICE_FIRST:-198.19.0.1}
FULL_IP=198.18.255.1                   # the full node's own, on lo: API server, kubelet and DNS server listen there
# the usual place: the kubelet's cAdvisor looks there and nowhere else
CONTAINERD=/run/containerd/containerd.sock
CNI_BIN=${CNI_BIN:-/usr/lib/cni}       # Debian's containernetworking-plugins
PROXY_MODE=${PROXY_MODE:-iptables}     # or nftables
# requests a second of each client of the controller manager. 20 is Kubernetes' own; with it 1,000 new deployments keep
# the deployment controller busy for minutes, and all that comes after them waits: more for a load test
CONTROLLER_QPS=${CONTROLLER_QPS:-20}

# a state folder of other values than these can't be used any more, see up.sh
FORMAT="2 $K8S_VERSION $NODE $POD_CIDR $SERVICE_CIDR $STORE"

kubectl() { KUBECACHEDIR=$RIG/kubectl "$KUBECTL" --kubeconfig "$PKI/tools.kubeconfig" "$@"; }
