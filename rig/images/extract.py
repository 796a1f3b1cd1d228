#!/usr/bin/env python3
"""Extracts the files of a Flink package whose name matches into a folder: extract.py PACKAGE REGEX FOLDER"""
import os, re, sys
from flink_layer import entries


def main():
    package, pattern, folder = sys.argv[1:]
    found = 0
    for name, _, data in entries(package):
        if re.search(pattern, name):
            with open(os.path.join(folder, os.path.basename(name)), "wb") as f:
                f.write(data)
            found += 1
    if not found:
        sys.exit(f"extract: nothing in {package} matches {pattern}")


if __name__ == "__main__":
    main()
