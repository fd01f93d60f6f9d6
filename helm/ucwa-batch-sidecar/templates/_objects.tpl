{{/* Additional objects for the application's chart. Each template gives one document, or nothing. */}}

{{- define "ucwa-batch.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "ucwa-batch.resourceName" . }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    app.kubernetes.io/name: ucwa-batch-proxy
    app.kubernetes.io/instance: {{ .root.Release.Name }}
    app.kubernetes.io/managed-by: {{ .root.Release.Service }}
data:
  config.yaml: |
    {{- include "ucwa-batch.config" . | nindent 4 }}
{{- end -}}

{{/* Needs "selector" in its argument: the labels of the application's pods. */}}
{{- define "ucwa-batch.podMonitor" -}}
{{- $wanted := .values.podMonitor.enabled -}}
{{- if eq (toString $wanted) "auto" -}}
{{- $wanted = .root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1" -}}
{{- end -}}
{{- if $wanted -}}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: {{ include "ucwa-batch.resourceName" . }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    app.kubernetes.io/name: ucwa-batch-proxy
    app.kubernetes.io/instance: {{ .root.Release.Name }}
    {{- with .values.podMonitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- toYaml .selector | nindent 6 }}
  podMetricsEndpoints:
    - port: ucwa-admin
      path: /metrics
      interval: {{ .values.podMonitor.interval }}
{{- end -}}
{{- end -}}

{{/* Alerts and recording rules. They need the PodMonitor, whose namespace and name are the job. */}}
{{- define "ucwa-batch.prometheusRule" -}}
{{- if include "ucwa-batch.wanted" (dict "root" .root "enabled" .values.prometheusRule.enabled) -}}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  {{- include "ucwa-batch.metadata" . | nindent 2 }}
    {{- with .values.prometheusRule.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- $self := printf "namespace=%q,job=%q" .root.Release.Namespace (printf "%s/%s" .root.Release.Namespace (include "ucwa-batch.resourceName" .)) }}
  {{- $lingerMs := dig "batching" "lingerMaxMs" 15 .values.config }}
  {{- include "ucwa-batch.rules" (dict "rule" .values.prometheusRule "self" $self "lingerMs" $lingerMs "dashboardUid" (include "ucwa-batch.dashboardUid" .)) | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* A ConfigMap with the dashboard, for Grafana's sidecar. */}}
{{- define "ucwa-batch.dashboard" -}}
{{- if include "ucwa-batch.wanted" (dict "root" .root "enabled" .values.dashboard.enabled) -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "ucwa-batch.metadata" (merge (dict "suffix" "-dashboard") .) | nindent 2 }}
    {{- with .values.dashboard.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .values.dashboard.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
data:
  ucwa-batch-proxy.json: |-
    {{- $title := printf "UCWA batch proxy (%s/%s)" .root.Release.Namespace (include "ucwa-batch.resourceName" .) }}
    {{- include "ucwa-batch.dashboardJson" . | replace "\"uid\": \"ucwa-batch-proxy\"" (printf "\"uid\": %q" (include "ucwa-batch.dashboardUid" .)) | replace "\"title\": \"UCWA batch proxy\"" (printf "\"title\": %q" $title) | nindent 4 }}
{{- end -}}
{{- end -}}

{{- define "ucwa-batch.dashboardUid" -}}
{{- $own := printf "%s/%s" .root.Release.Namespace (include "ucwa-batch.resourceName" .) -}}
{{- .values.dashboard.uid | default (printf "ucwa-%s" (sha256sum $own | trunc 16)) -}}
{{- end -}}

{{- define "ucwa-batch.wanted" -}}
{{- if eq (toString .enabled) "auto" -}}
{{- if .root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}true{{ end -}}
{{- else if .enabled }}true{{- end -}}
{{- end -}}

{{- define "ucwa-batch.metadata" -}}
name: {{ include "ucwa-batch.resourceName" . }}{{ .suffix | default "" }}
namespace: {{ .root.Release.Namespace }}
labels:
  app.kubernetes.io/name: ucwa-batch-proxy
  app.kubernetes.io/instance: {{ .root.Release.Name }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{/* An ingress rule for the application's own NetworkPolicy. It opens the admin port. Calls need no
rule, because they stay inside the pod. */}}
{{- define "ucwa-batch.networkPolicyIngress" -}}
- ports: [{ port: ucwa-admin, protocol: TCP }]
  from:
    - podSelector: {}
    {{- range .values.networkPolicy.monitoringNamespaces }}
    - namespaceSelector:
        matchLabels: { kubernetes.io/metadata.name: {{ . | quote }} }
    {{- end }}
    {{- with .values.networkPolicy.monitoring }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
