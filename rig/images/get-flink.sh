#!/usr/bin/env bash
# Download the two Python packages that between them hold Flink's distribution: get-flink.sh VERSION FOLDER
set -euo pipefail
version=${1:?usage: get-flink.sh VERSION FOLDER} out=${2:?}
rm -rf "$out" "$out.part"
mkdir -p "$out.part"
# a wheel or a source archive, of which nothing is built; the retries are for a connection that breaks off
pip3 download -q --no-deps --retries 5 -d "$out.part" "apache-flink-libraries==$version"
# any interpreter's wheel has the same scripts: not every one of this machine need have one
pip3 download -q --no-deps --retries 5 -d "$out.part" --only-binary :all: --python-version 3.11 "apache-flink==$version"
mv "$out.part" "$out"
