# Runs the test job on a Flink image, with a JobManager and a TaskManager as plain objects, and checks it through Flink's REST API.
# shellcheck shell=bash disable=SC2154

selftest_flink() {
  local version=$1 parallelism=$2 id=flink-${1//./-} job verify processed
  flink_objects "$version" "$id" | k apply -f - >/dev/null
  eventually 120 "Flink $version: the JobManager answers" jobmanager "$id" /overview
  eventually 120 "Flink $version: the job runs" is RUNNING jobmanager_field "$id" /jobs/overview 'jobs[0]["state"]'
  job=$(jobmanager_field "$id" /jobs/overview 'jobs[0]["jid"]')
  verify=$(jobmanager_field "$id" "/jobs/$job" '[v["id"] for v in d["vertices"] if v["name"] == "verify"][0]')
  eventually 90 "Flink $version: two checkpoints are done" at_least 2 jobmanager_field "$id" "/jobs/$job/checkpoints" 'd["counts"]["completed"]'
  eventually 60 "Flink $version: the job tells how much it processed" at_least 1 metric processed
  check "Flink $version: it began without state" is 0 metric restored
  processed=$(metric processed)
  k delete pod "$id-taskmanager" --grace-period=0 --force >/dev/null 2>&1
  flink_objects "$version" "$id" | k apply -f - >/dev/null
  eventually 180 "Flink $version: with another TaskManager it is restored" is 1 metric restored
  eventually 60 "Flink $version: and goes on" at_least "$((processed + 1))" metric processed
  say "  processed $(metric processed), restored at $(metric restoredProcessed) from checkpoint $(metric restoredCheckpointId), last $(metric last)"
  check "Flink $version: the count was in the state" at_least 1 metric restoredProcessed
  check "Flink $version: nothing is lost" is 0 metric gaps
  check "Flink $version: nothing counts twice" is 0 metric duplicates
  check "Flink $version: keyed and operator state agree" is 0 metric foreignCounts
  flink_objects "$version" "$id" | k delete --wait=true --grace-period=0 --force -f - >/dev/null 2>&1
}

at_least() { (($("${@:2}" 2>/dev/null || echo -1) >= $1)); }

# service addresses are reachable from this machine
jobmanager() { curl -fsS -m 5 "http://$(k get service "$1" -o 'jsonpath={.spec.clusterIP}'):8081$2"; }
jobmanager_field() { jobmanager "$1" "$2" | python3 -c "import json, sys; d = json.load(sys.stdin); jobs = d.get('jobs'); print($3)"; }
metric() { jobmanager "$id" "/jobs/$job/vertices/$verify/metrics?get=0.verify.$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["value"])'; }

flink_objects() {
  local properties="jobmanager.rpc.address: $2
    jobmanager.memory.process.size: 1000m
    taskmanager.memory.process.size: 1200m
    taskmanager.numberOfTaskSlots: 4
    parallelism.default: $parallelism
    execution.checkpointing.interval: 2s
    execution.checkpointing.dir: file:///checkpoints
    state.checkpoints.dir: file:///checkpoints
    metrics.fetcher.update-interval: 1000
    heartbeat.interval: 2000
    heartbeat.timeout: 10000
    restart-strategy.type: fixed-delay
    restart-strategy.fixed-delay.attempts: 100
    restart-strategy.fixed-delay.delay: 1s"
  cat <<Y
apiVersion: v1
kind: Service
metadata: {name: $2}
spec: {selector: {app: $2}, ports: [{name: rpc, port: 6123}, {name: blob, port: 6124}, {name: rest, port: 8081}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: $2}
spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: $2-jobmanager, labels: {app: $2}}
spec:
  containers:
  - name: jobmanager
    image: flink:$1
    args: [standalone-job, --job-classname, TestJob, --rate, "200"]
    env: [{name: FLINK_PROPERTIES, value: "${properties//$'\n'    /\\n}"}]
    volumeMounts: [{name: checkpoints, mountPath: /checkpoints}]
  volumes: [{name: checkpoints, persistentVolumeClaim: {claimName: $2}}]
---
apiVersion: v1
kind: Pod
metadata: {name: $2-taskmanager}
spec:
  containers:
  - name: taskmanager
    image: flink:$1
    args: [taskmanager]
    env: [{name: FLINK_PROPERTIES, value: "${properties//$'\n'    /\\n}"}]
    volumeMounts: [{name: checkpoints, mountPath: /checkpoints}]
  volumes: [{name: checkpoints, persistentVolumeClaim: {claimName: $2}}]
Y
}
