# What the user sees, and that two commands don't get in each other's way.
# shellcheck shell=bash
began=$SECONDS

# to stderr, so that stdout is for what a caller may want to read
say() { printf '%4ds %s\n' $((SECONDS - began)) "$*" >&2; }
die() { echo "rig: $*" >&2; exit 1; }

# step WHAT ABOUT command...: a long one, with a line every 20 seconds; its output is shown only when it fails
step() {
  local what=$1 about=$2 log=$RIG_CACHE/logs/${1// /-}.log pid from=$SECONDS next=$((SECONDS + 20)) rc=0
  shift 2
  mkdir -p "$RIG_CACHE/logs"
  say "$what ($about)"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  # shellcheck disable=SC2064
  trap "kill $pid 2>/dev/null" EXIT
  while kill -0 $pid 2>/dev/null; do
    sleep 0.2
    ((SECONDS < next)) || { say "  $what: $((SECONDS - from)) s, at: $(tail -n 1 "$log" | cut -c 1-90)"; next=$((SECONDS + 20)); }
  done
  wait $pid || rc=$?
  trap - EXIT
  ((rc == 0)) || { tail -n 20 "$log" >&2; die "$what failed, all of it is in $log"; }
  say "  $what: done in $((SECONDS - from)) s"
}

# lock FD FOLDER: hold a folder until the end of this command. The folder may be deleted while one waits for it, and be
# made again by another: then the lock held is nobody's.
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
