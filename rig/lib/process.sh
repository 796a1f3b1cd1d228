# Processes of a rig. Each writes its id and start time into a file before it executes its program. Each also has
# RIG_MARK=folder:name in its environment, so that it is found if the file is lost.
# shellcheck shell=bash

# stamp PID: the start time of the process in kernel ticks, or nothing if there is no such process. A zombie, which process 1
# may collect only after seconds, does not count as a process.
stamp() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# process NAME: its id, if it is still the same process (the kernel can reuse an id)
process() {
  local pid began
  read -r pid began 2>/dev/null <"$RIG_RUN/$1.pid" && [[ -n $began && $(stamp "$pid") == "$began" ]] && echo "$pid"
}

running() { process "$1" >/dev/null; }

# marked NAME: ids of all processes of this rig with this name in RIG_MARK; with an empty NAME all processes of this rig
marked() {
  local f pid
  { grep -lzE "^RIG_MARK=$RIG:${1:-.*}\$" /proc/[0-9]*/environ 2>/dev/null || true; } | while read -r f; do
    pid=${f#/proc/} pid=${pid%/environ}
    [[ -z $(stamp "$pid") ]] || echo "$pid"
  done
}

# start NAME command...: runs it in the background in its own session, with its output in $LOGS/NAME.log
start() {
  local name=$1 i pid
  shift
  if running "$name"; then return; fi
  # processes of a killed run; not containerd's shims, because they keep pods running without containerd
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

# await SECONDS NAME command...: repeats it until it succeeds, as long as the process NAME runs
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

# stop NAME...: sends TERM to all of them, waits ten seconds, sends KILL. Each is the leader of its process group.
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
