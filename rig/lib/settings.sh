# Settings. The environment can override each of them. $name is the value of --name.
# shellcheck shell=bash disable=SC2034
K8S_VERSION=1.34.10
FLINK_VERSIONS=${FLINK_VERSIONS:-1.20.5 2.2.1}

[[ ! $name || $name =~ ^[a-z0-9][a-z0-9-]{0,30}$ ]] || { echo "rig: name \"$name\": lower-case letters, digits and dashes, up to 31" >&2; exit 2; }
suffix=${name:+-$name}
home=${HOME:-$(getent passwd "$EUID" | cut -d: -f6)}

# build results and downloads, for all rigs of this user; may be deleted when no rig runs
RIG_CACHE=${RIG_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/flink-kubernetes-operator}
# the state of one rig (certificates, etcd, volumes, logs), and its files while it runs (process ids, sockets)
if [[ $EUID == 0 ]]; then
  RIG=${RIG:-/var/lib/k8s-rig$suffix}
  RIG_RUN=${RIG_RUN:-/run/k8s-rig$suffix}
else
  RIG=${RIG:-${XDG_STATE_HOME:-$home/.local/state}/k8s-rig$suffix}
  RIG_RUN=${RIG_RUN:-$RIG/run}
fi
PKI=$RIG/pki
LOGS=$RIG/logs
KUBE=$RIG_CACHE/bin/kube-full          # all components of Kubernetes and a DNS server in one program
KUBECTL=$RIG_CACHE/bin/kubectl
STORE=$RIG_CACHE/containerd            # unpacked images: importing takes a minute, so `down --wipe` keeps them
NODE=${NODE:-rig}

# 198.18.0.0/15 is reserved for test networks and never routed. Service addresses are routed to the bridge of the pods, so
# that packets that no rule has translated end there and do not leave the machine.
POD_CIDR=${POD_CIDR:-198.18.0.0/24}
POD_GATEWAY=${POD_GATEWAY:-198.18.0.1}
SERVICE_CIDR=${SERVICE_CIDR:-198.19.0.0/18}   # each Flink cluster needs an address: a /24 is enough for 250
SERVICE_FIRST=${SERVICE_FIRST:-198.19.0.1}
FULL_IP=198.18.255.1                   # the address of the full node, on lo: API server, kubelet and DNS server listen there
# the default path: the kubelet's cAdvisor uses no other
CONTAINERD=/run/containerd/containerd.sock
CNI_BIN=${CNI_BIN:-/usr/lib/cni}       # Debian's containernetworking-plugins
PROXY_MODE=${PROXY_MODE:-iptables}     # or nftables
# requests per second of each client of the controller manager. 20 is the default of Kubernetes: with it, 1,000 new Deployments
# keep the controller busy for minutes, and later objects wait. Use more for a load test
CONTROLLER_QPS=${CONTROLLER_QPS:-20}

# a state folder that was created with other values cannot be used, see up.sh
FORMAT="2 $K8S_VERSION $NODE $POD_CIDR $SERVICE_CIDR $STORE"

kubectl() { KUBECACHEDIR=$RIG/kubectl "$KUBECTL" --kubeconfig "$PKI/tools.kubeconfig" "$@"; }
