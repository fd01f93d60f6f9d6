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
