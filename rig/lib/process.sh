# Processes of a rig. Each writes its own id and start time into a file before it becomes what it is, and carries the
# mark RIG_MARK=folder:name in its environment: a file may be lost, a mark is not.
# shellcheck shell=bash

# stamp PID: when the process began, in the kernel's ticks; nothing where there is none. One that has ended stays
# in the table until process 1 collects it, at times for seconds: that is none.
stamp() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# process NAME: its id, if it is still the same process (a number may be given out again)
process() {
  local pid began
  read -r pid began 2>/dev/null <"$RIG_RUN/$1.pid" && [[ -n $began && $(stamp "$pid") == "$began" ]] && echo "$pid"
}

running() { process "$1" >/dev/null; }

# marked NAME: ids of all processes with that mark of this rig, those of every name where NAME is empty
marked() {
  local f pid
  { grep -lzE "^RIG_MARK=$RIG:${1:-.*}\$" /proc/[0-9]*/environ 2>/dev/null || true; } | while read -r f; do
    pid=${f#/proc/} pid=${pid%/environ}
    [[ -z $(stamp "$pid") ]] || echo "$pid"
  done
}

# start NAME command...: in the background, in a session of its own, its output in $LOGS/NAME.log
start() {
  local name=$1 i pid
  shift
  if running "$name"; then return; fi
  # left by a run that was killed; the shims of containerd are not its own: they keep pods alive without it
  for pid in $(marked "$name"); do
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == containerd-shim* ]] || kill -9 "$pid" 2>/dev/null || true
  done
  rm -f "$RIG_RUN/$name.pid"
  # shellcheck disable=SC2016
  RIG_MARK=$RIG:$name setsid nohup bash -c '
    file=$1; shift
    echo "$$ $(sed "s/.*) //" /proc/$$/stat | cut -d" " -f20)" >"$file.part" && mv "$file.part" "$file" && exec "$@"
  ' rig "$RIG_RUN/$name.pid" "$@" >>"$LOGS/$name.log" 2>&1 </dev/null 8>&- 9>&- &
  for ((i = 0; i < 100; i++)); do [[ ! -e $RIG_RUN/$name.pid ]] || break; sleep 0.02; done
  say "started $name"
}

# await SECONDS NAME command...: until it succeeds, NAME being the process that it depends on
await() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    running "$what" || failed "$what" "has ended"
    ((SECONDS < limit)) || failed "$what" "was not ready in time"
    sleep 0.2
  done
}

failed() {
  tail -n 8 "$LOGS/$1.log" | cut -c 1-300 >&2
  die "$1 $2, its log is $LOGS/$1.log; \`rig down --wipe\` and a new start help if its data are broken"
}

# stop NAME...: ask all of them, wait ten seconds, insist. Each leads a process group of its own.
stop() {
  local name pid i
  for name in "$@"; do
    if pid=$(process "$name"); then kill -- "-$pid" 2>/dev/null || true; fi
  done
  for name in "$@"; do
    if pid=$(process "$name"); then
      for ((i = 0; i < 100; i++)); do running "$name" || break; sleep 0.1; done
      ! running "$name" || kill -9 -- "-$pid" 2>/dev/null || true
    fi
    rm -f "$RIG_RUN/$name.pid"
  done
}
