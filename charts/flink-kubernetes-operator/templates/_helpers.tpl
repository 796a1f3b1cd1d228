{{/*
Names, labels and checks that more than one template needs.
*/}}

{{- define "operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The fallback for names that are empty in the values. */}}
{{- define "operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "operator.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- $full | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* A Deployment's selector is immutable, so these labels must never change. */}}
{{- define "operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "operator.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "operator.serviceAccountName" -}}
{{- .Values.operatorServiceAccount.name | default (ternary (include "operator.fullname" .) "default" .Values.operatorServiceAccount.create) -}}
{{- end -}}

{{- define "operator.roleName" -}}
{{- .Values.rbac.operatorRole.name | default (include "operator.fullname" .) -}}
{{- end -}}

{{- define "operator.roleBindingName" -}}
{{- .Values.rbac.operatorRoleBinding.name | default (printf "%s-role-binding" (include "operator.fullname" .)) -}}
{{- end -}}

{{- define "job.serviceAccountName" -}}
{{- .Values.jobServiceAccount.name | default (ternary (printf "%s-flink" (include "operator.fullname" .)) "default" .Values.jobServiceAccount.create) -}}
{{- end -}}

{{- define "job.roleName" -}}
{{- .Values.rbac.jobRole.name | default (printf "%s-flink" (include "operator.fullname" .)) -}}
{{- end -}}

{{- define "job.roleBindingName" -}}
{{- .Values.rbac.jobRoleBinding.name | default (printf "%s-flink-role-binding" (include "operator.fullname" .)) -}}
{{- end -}}

{{/* A name with a colon, such as "system:…", can only be the name of a ClusterRole. */}}
{{- define "operator.roleKind" -}}
{{- ternary "ClusterRole" "Role" (contains ":" .) -}}
{{- end -}}

{{/* The namespaces of jobs: the watched namespaces, or the release's own if all are watched. As JSON, because a template returns text only. */}}
{{- define "job.namespaces" -}}
{{- dict "names" (.Values.watchNamespaces | default (list .Release.Namespace)) | toJson -}}
{{- end -}}

{{- define "operator.metadata" -}}
name: {{ .name }}
namespace: {{ .namespace }}
labels:
  {{- include "operator.labels" .root | nindent 2 }}
{{- end -}}

{{/* One of the two Flink configuration files: the chart's file, the text from the values, and keys that follow from other values. */}}
{{- define "operator.flinkConfiguration" -}}
{{- $text := index .root.Values.defaultConfiguration .key -}}
{{- if .root.Values.defaultConfiguration.append -}}
{{- .root.Files.Get "conf/flink-conf.yaml" }}
{{ end -}}
{{- with $text -}}
{{- . }}
{{ end -}}
{{- with .root.Values.watchNamespaces -}}
kubernetes.operator.watched.namespaces: {{ join "," . }}
{{ end -}}
kubernetes.operator.health.probe.enabled: true
kubernetes.operator.health.probe.port: {{ .root.Values.operatorHealth.port }}
{{- end -}}

{{/* A logging configuration file: the chart's file and the text from the values. */}}
{{- define "operator.log4jConfiguration" -}}
{{- if .root.Values.defaultConfiguration.append -}}
{{- .root.Files.Get (printf "conf/%s" .key) }}
{{ end -}}
{{- index .root.Values.defaultConfiguration .key -}}
{{- end -}}

{{/* A logging configuration file: the text from the values, or else the chart's file. Two XML documents cannot be joined. */}}
{{- define "operator.logbackConfiguration" -}}
{{- index .root.Values.defaultConfiguration .key | default (.root.Files.Get (printf "conf/%s" .key)) -}}
{{- end -}}

{{/* Refuses combinations of values that would break the release. values.schema.json checks types and enums. */}}
{{- define "operator.checkValues" -}}
{{- if and .Values.metrics.port (eq (int .Values.metrics.port) (int .Values.operatorHealth.port)) -}}
{{- fail (printf "metrics.port and operatorHealth.port are both %v; leave metrics.port empty: the health port serves /metrics" .Values.metrics.port) -}}
{{- end -}}
{{- end -}}
