#!/usr/bin/env bash
# Downloads the two Python packages that together contain Flink's distribution: get-flink.sh VERSION FOLDER
set -euo pipefail
version=${1:?usage: get-flink.sh VERSION FOLDER} out=${2:?}
rm -rf "$out" "$out.part"
mkdir -p "$out.part"
# a wheel or a source archive, which is not built; the retries are for interrupted connections
pip3 download -q --no-deps --retries 5 -d "$out.part" "apache-flink-libraries==$version"
# the wheels of all Python versions have the same files, and this machine's version may have none
pip3 download -q --no-deps --retries 5 -d "$out.part" --only-binary :all: --python-version 3.11 "apache-flink==$version"
mv "$out.part" "$out"
