# Progress messages, and the lock between two commands on the same rig.
# shellcheck shell=bash
began=$SECONDS

# to stderr, because stdout is for results
say() { printf '%4ds %s\n' $((SECONDS - began)) "$*" >&2; }
die() { echo "rig: $*" >&2; exit 1; }

# background processes that end with this shell
children=''
end_children() {
  # shellcheck disable=SC2086
  [[ ! $children ]] || kill $children 2>/dev/null || true
}

# step WHAT command...: runs a long command, prints a line every 15 seconds, and prints its output only if it fails
step() {
  local what=$1 log=$RIG_CACHE/logs/${1//[ \/]/-}.log pid from=$SECONDS next=$((SECONDS + 15)) rc=0
  shift
  mkdir -p "$RIG_CACHE/logs"
  say "$what"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  children+=" $pid"
  trap end_children EXIT
  while kill -0 $pid 2>/dev/null; do
    sleep 0.2
    ((SECONDS < next)) || { say "  $what: $((SECONDS - from)) s, at: $(tail -n 1 "$log" | cut -c 1-90)"; next=$((SECONDS + 15)); }
  done
  wait $pid || rc=$?
  children=${children/ $pid/}
  ((rc == 0)) || { tail -n 20 "$log" >&2; die "$what failed, all of it is in $log"; }
  say "  $what: done in $((SECONDS - from)) s"
}

# lock FD FOLDER: locks a folder until the end of this command. While this command waits, another one may delete the folder
# and create it again: then the lock has no effect, and this command locks the new folder.
lock() {
  local fd=$1 dir=$2
  while true; do
    mkdir -p "$dir" || die "no folder $dir"
    eval "exec $fd>>\"\$dir/lock\""
    if ! flock -n "$fd"; then
      say "waiting for another rig command, which holds $dir"
      flock -w 3600 "$fd" || die "$dir was held for an hour by: $(fuser "$dir/lock" 2>/dev/null || echo unknown)"
    fi
    [[ $(stat -Lc %i "/proc/self/fd/$fd") != "$(stat -c %i "$dir/lock" 2>/dev/null)" ]] || return 0
  done
}
