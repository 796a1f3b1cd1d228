# Certificates. The authority is created once and kept, so that a kubeconfig stays valid after a restart.
# shellcheck shell=bash disable=SC2034,SC2154

authority() {
  # this file is created last: if it exists, all others exist
  [[ ! -s $PKI/sa.pub ]] || return 0
  rm -f "$PKI"/*
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=rig-ca" \
    -addext "keyUsage=critical,keyCertSign,cRLSign,digitalSignature" \
    -keyout "$PKI/ca.key" -out "$PKI/ca.crt" 2>/dev/null
  # the key that signs service account tokens
  openssl genrsa -out "$PKI/sa.key" 2048 2>/dev/null
  openssl rsa -in "$PKI/sa.key" -pubout -out "$PKI/sa.pub.part" 2>/dev/null
  mv "$PKI/sa.pub.part" "$PKI/sa.pub"
}

# certificate NAME SUBJECT clientAuth|serverAuth [alternative names]: creates it again if the arguments have changed
certificate() {
  local name=$1 subject=$2 usage=$3 names=${4:-} wanted
  wanted="# $subject
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=$usage${names:+
subjectAltName=$names}"
  [[ ! -s $PKI/$name.crt || $(cat "$PKI/$name.ext" 2>/dev/null) != "$wanted" ]] || return 0
  rm -f "$PKI/$name.crt"
  echo "$wanted" >"$PKI/$name.ext"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$subject" \
    -keyout "$PKI/$name.key" -out "$PKI/$name.csr" 2>/dev/null
  openssl x509 -req -in "$PKI/$name.csr" -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -CAcreateserial -days 3650 \
    -extfile "$PKI/$name.ext" -out "$PKI/$name.part" 2>/dev/null
  mv "$PKI/$name.part" "$PKI/$name.crt"
  rm "$PKI/$name.csr"
}

# kubeconfig NAME SUBJECT: creates a client certificate and a kubeconfig file with it
kubeconfig() {
  local name=$1
  certificate "$name" "$2" clientAuth
  (umask 077; put "$PKI/$name.kubeconfig") <<Y
apiVersion: v1
kind: Config
clusters: [{name: rig, cluster: {server: "$API", certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")}}]
users: [{name: $name, user: {client-certificate-data: $(base64 -w0 "$PKI/$name.crt"), client-key-data: $(base64 -w0 "$PKI/$name.key")}}]
contexts: [{name: rig, context: {cluster: rig, user: $name}}]
current-context: rig
Y
}

certificates() {
  authority
  local svc=kubernetes.default.svc
  certificate apiserver "/CN=kube-apiserver" serverAuth \
    "IP:$ADVERTISE,IP:127.0.0.1,IP:$SERVICE_FIRST,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:$svc,DNS:$svc.cluster.local"
  kubeconfig admin "/O=system:masters/CN=rig-admin"
  kubeconfig tools "/O=system:masters/CN=rig-tools" # the rig's own user, to recognise its requests in the audit log
  kubeconfig controller-manager "/CN=system:kube-controller-manager"
  [[ $variant == full ]] || return 0
  certificate apiserver-kubelet "/CN=kube-apiserver-kubelet-client" clientAuth
  certificate kubelet-server "/CN=$NODE" serverAuth "IP:$ADVERTISE,DNS:$NODE"
  kubeconfig scheduler "/CN=system:kube-scheduler"
  kubeconfig kubelet "/O=system:nodes/CN=system:node:$NODE"
  kubeconfig proxy "/CN=system:kube-proxy"
  kubeconfig dns "/CN=system:rig-dns"
}
