#!/usr/bin/env bash
# Build the cluster's DNS server from the Go module proxy: build.sh OUT
set -euo pipefail
out=$(realpath -m "${1:?usage: build.sh OUT}")
cd "$(dirname "$0")"
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOWORK=off
"${GO:-go}" build -v -trimpath -buildvcs=false -tags grpcnotrace -ldflags "-s -w" -o "$out.part" .
"$out.part" -version
mv "$out.part" "$out"
