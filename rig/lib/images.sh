# Imports images into the node: those of the cache, and those of `load`.
# shellcheck shell=bash

# imports each archive once: its name, time and size are recorded beside containerd's data
import() {
  local f mark
  mkdir -p "$STORE/imported" "$RIG/images"
  for f in "$RIG_CACHE"/images/*.tar "$RIG"/images/*.tar; do
    [[ -e $f ]] || continue
    mark=$STORE/imported/$(basename "$f").$(stat -c %Y.%s "$f")
    [[ ! -e $mark ]] || continue
    step "import of $(basename "$f")" ctr -a "$CONTAINERD" -n k8s.io images import "$f"
    rm -f "$STORE/imported/$(basename "$f")".*
    touch "$mark"
  done
}

load() {
  local f kept
  (($#)) || die "load: which IMAGE.tar?"
  for f in "$@"; do
    [[ $(tar -tf "$f" 2>/dev/null) =~ (^|/|$'\n')(index|manifest)\.json ]] || die "load: $f is no image archive (OCI or \`docker save\`)"
  done
  lock 9 "$RIG"
  mkdir -p "$RIG/images"
  for f in "$@"; do
    kept=$RIG/images/$(basename "$f")
    [[ $f -ef $kept ]] || { cp --reflink=auto "$f" "$kept.part" && mv "$kept.part" "$kept"; }
  done
  if running containerd; then import; else say "kept for the next \`up full\`"; fi
}
