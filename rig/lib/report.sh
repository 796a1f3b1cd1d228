# The verbs that report on a rig.
# shellcheck shell=bash

report_kubeconfig() { echo "$PKI/admin.kubeconfig"; }
report_auditlog() { echo "$LOGS/audit.log"; }
report_logs() { echo "$LOGS"; }
report_jar() { echo "$RIG_CACHE/jars/${FLINK_VERSIONS%% *}/test-job.jar"; }

report_kubectl() {
  [[ -e $PKI/tools.kubeconfig ]] || die "no rig in $RIG: \`rig up\` makes one"
  export KUBECACHEDIR=$RIG/kubectl
  exec "$KUBECTL" --kubeconfig "$PKI/tools.kubeconfig" "$@"
}

report_audit() {
  [[ -e $LOGS/audit.log ]] || die "no audit log in $LOGS"
  exec python3 "$RIG_HERE/tools/audit_count.py" "$LOGS/audit.log" "$@"
}

# prints one line per component of the variant; the exit status says whether all of them run
report_status() {
  local variant parts part pid missing=0
  variant=$(cat "$RIG/variant" 2>/dev/null) || { echo "no rig in $RIG"; return 1; }
  parts=(etcd kube-apiserver)
  [[ $variant == api ]] || parts+=(kube-controller-manager)
  [[ $variant != full ]] || parts+=(kube-scheduler containerd kubelet kube-proxy rig-dns pv-loop)
  for part in "${parts[@]}"; do
    if pid=$(process "$part"); then
      printf '%-24s running  process %-7s %5d MB\n' "$part" "$pid" "$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status")"
    else
      printf '%-24s down\n' "$part"
      missing=$((missing + 1))
    fi
  done
  if [[ $variant == full ]] && running kube-apiserver; then
    printf '%-24s %s\n' node "$(kubectl get node "$NODE" --no-headers 2>&1 | awk '{ print tolower($2) }')" \
      pods "$(kubectl get pods -A --no-headers 2>/dev/null | awk '{ n[$4]++ } END { for (s in n) printf "%s%d %s", c++ ? ", " : "", n[s], s; if (!c) printf "none" }')"
  fi
  echo "KUBECONFIG=$PKI/admin.kubeconfig"
  ((missing == 0))
}
