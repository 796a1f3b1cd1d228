# The configuration files of the components. Written at each start, because addresses and ports can change.
# shellcheck shell=bash disable=SC2034,SC2154

# put FILE: writes stdin to it if the content differs. kube-proxy exits when its file is written, even with the same content.
put() {
  local new
  new=$(cat)
  [[ -e $1 && $new == "$(<"$1")" ]] || { echo "$new" >"$1.part" && mv "$1.part" "$1"; }
}

configure() {
  put "$RIG/etcd.yaml" <<Y
name: rig
data-dir: $RIG/etcd
listen-client-urls: $ETCD_CLIENT
advertise-client-urls: $ETCD_CLIENT
listen-peer-urls: $ETCD_PEER
initial-advertise-peer-urls: $ETCD_PEER
initial-cluster: rig=$ETCD_PEER
log-level: warn
unsafe-no-fsync: true
auto-compaction-mode: periodic
auto-compaction-retention: 10m
Y
  # each request once, when it is complete (a watch also when it starts), to count requests
  put "$RIG/audit.yaml" <<Y
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- {level: None, nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/metrics"]}
- {level: Metadata}
Y
  [[ $variant == full ]] || return 0
  configure_containerd
  configure_kubelet
  configure_proxy
}

configure_containerd() {
  mkdir -p "$RIG"/{cni,registries/_default} "$STORE" "$RIG_RUN/containerd"
  put "$RIG/containerd.toml" <<T
version = 2
root = "$STORE"
state = "$RIG_RUN/containerd"
oom_score = 0
[grpc]
  address = "$CONTAINERD"
[plugins."io.containerd.internal.v1.opt"]
  path = "$STORE/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "rig.local/pause:1"
  stream_server_address = "127.0.0.1"
  disable_apparmor = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  # without this no pod sandbox starts if root lacks CAP_SYS_RESOURCE ("can't get final child's PID from pipe")
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = "$(command -v runc)"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$CNI_BIN"
    conf_dir = "$RIG/cni"
    max_conf_num = 1
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$RIG/registries"
T
  # there is no registry: a pull fails at once, without a request to the network
  put "$RIG/registries/_default/hosts.toml" <<T
server = "http://127.0.0.1:1"
[host."http://127.0.0.1:1"]
  capabilities = ["pull", "resolve"]
T
  put "$RIG/cni/10-rig.conflist" <<J
{
  "cniVersion": "1.0.0",
  "name": "rig",
  "plugins": [
    {
      "type": "bridge", "bridge": "rig0", "isGateway": true, "isDefaultGateway": true,
      "ipMasq": false, "hairpinMode": true,
      "ipam": { "type": "host-local", "dataDir": "$RIG_RUN/ipam", "ranges": [[{ "subnet": "$POD_CIDR" }]] }
    },
    { "type": "portmap", "capabilities": { "portMappings": true } }
  ]
}
J
}

configure_kubelet() {
  mkdir -p "$RIG/kubelet"
  # for pods with dnsPolicy Default, so that they do not use the machine's name server
  put "$RIG/resolv.conf" <<<"nameserver $BIND"
  put "$RIG/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $BIND
containerRuntimeEndpoint: unix://$CONTAINERD
cgroupDriver: cgroupfs
cgroupsPerQOS: true
enforceNodeAllocatable: [none]
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
maxOpenFiles: $(ulimit -Hn | sed s/unlimited/1000000/)
podLogsDir: $RIG/pod-logs
volumePluginDir: $RIG/flex
healthzPort: $KUBELET_PORT
resolvConf: $RIG/resolv.conf
clusterDNS: ["$BIND"]
clusterDomain: cluster.local
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet-server.crt
tlsPrivateKeyFile: $PKI/kubelet-server.key
readOnlyPort: 0
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: "200Mi", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
maxPods: 200
Y
}

configure_proxy() {
  put "$RIG/proxy.yaml" <<Y
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: $PROXY_MODE
clientConnection: {kubeconfig: $PKI/proxy.kubeconfig}
clusterCIDR: $POD_CIDR
detectLocalMode: ClusterCIDR
hostnameOverride: $NODE
nodePortAddresses: [primary]
healthzBindAddress: 127.0.0.1:$PROXY_PORT
metricsBindAddress: 127.0.0.1:$PROXY_METRICS
oomScoreAdj: 0
iptables: {localhostNodePorts: false, syncPeriod: 30s, minSyncPeriod: 0s}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
Y
}
