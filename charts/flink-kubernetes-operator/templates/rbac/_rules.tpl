{{/*
The operator's rights in the namespaces that it watches.
No rule is for Secrets, and none allows the operator to grant rights. A test compares this list with xtask/src/chart/rights.txt.
*/}}
{{- define "operator.rules" -}}
# Our own kinds. Blue/green creates and deletes FlinkDeployments, periodic snapshots are FlinkStateSnapshots.
- apiGroups: [flink.apache.org]
  resources: [flinkdeployments, flinkstatesnapshots]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [flink.apache.org]
  resources: [flinkbluegreendeployments, flinksessionjobs]
  verbs: [get, list, watch, update, patch]
- apiGroups: [flink.apache.org]
  resources: [flinkbluegreendeployments/status, flinkdeployments/status, flinksessionjobs/status, flinkstatesnapshots/status]
  verbs: [get, update, patch]
# Clusters that check who may set owner references ask for update on the owner's finalizers.
- apiGroups: [flink.apache.org]
  resources: [flinkbluegreendeployments/finalizers, flinkdeployments/finalizers, flinksessionjobs/finalizers, flinkstatesnapshots/finalizers]
  verbs: [update]
# The Flink clusters. Flink itself creates TaskManager pods, with the rights of the job's service account.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [configmaps, services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments/finalizers]
  verbs: [update]
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
# The kubelet's warnings about a JobManager pod that does not start.
- apiGroups: [""]
  resources: [events]
  verbs: [list, create, patch]
{{- end -}}

{{/* Nodes have no namespace, so this rule is always part of a ClusterRole. */}}
{{- define "operator.nodeRules" -}}
- apiGroups: [""]
  resources: [nodes]
  verbs: [list]
{{- end -}}

{{/* Leader election, in the operator's own namespace only. */}}
{{- define "operator.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, update, patch]
{{- end -}}

{{/* The rights of a Flink cluster: its JobManager creates TaskManager pods and keeps its high availability data in ConfigMaps. */}}
{{- define "job.rules" -}}
- apiGroups: [""]
  resources: [pods, configmaps]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [apps]
  resources: [deployments, deployments/finalizers]
  verbs: [get, list, watch, create, update, patch, delete]
{{- end -}}
