{{- define "ucwa-batch-proxy.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "ucwa-batch-proxy.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "ucwa-batch-proxy.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "ucwa-batch-proxy.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ucwa-batch-proxy.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ucwa-batch-proxy.labels" -}}
{{ include "ucwa-batch-proxy.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Name, namespace and labels of an object. Usage: (dict "root" $ "suffix" "-admin" "labels" dict) */}}
{{- define "ucwa-batch-proxy.metadata" -}}
name: {{ include "ucwa-batch-proxy.fullname" .root }}{{ .suffix | default "" }}
namespace: {{ include "ucwa-batch-proxy.namespace" .root }}
labels:
  {{- include "ucwa-batch-proxy.labels" .root | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with mergeOverwrite (deepCopy .root.Values.commonAnnotations) (deepCopy (.annotations | default dict)) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "ucwa-batch-proxy.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{/* The repository of the image, with the registry of global.imageRegistry instead of its own. */}}
{{- define "ucwa-batch-proxy.repository" -}}
{{- $registry := dig "imageRegistry" "" (.Values.global | default dict) -}}
{{- $path := .Values.image.repository -}}
{{- if $registry -}}
{{- printf "%s/%s" (trimSuffix "/" $registry) (regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" $path "") -}}
{{- else -}}
{{- $path -}}
{{- end -}}
{{- end -}}

{{- define "ucwa-batch-proxy.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ucwa-batch-proxy.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "ucwa-batch-proxy.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" (include "ucwa-batch-proxy.repository" .) .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" (include "ucwa-batch-proxy.repository" .) (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Address of a listener, with brackets for IPv6. Usage: (dict "root" $ "port" 8080) */}}
{{- define "ucwa-batch-proxy.address" -}}
{{- if contains ":" .root.Values.listenHost -}}
{{- printf "[%s]:%d" .root.Values.listenHost (int .port) -}}
{{- else -}}
{{- printf "%s:%d" .root.Values.listenHost (int .port) -}}
{{- end -}}
{{- end -}}

{{/* Whether to create an object with enabled true, false or auto. Usage: (dict "root" $ "enabled" "auto") */}}
{{- define "ucwa-batch-proxy.wanted" -}}
{{- if eq (toString .enabled) "auto" -}}
{{- if .root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}true{{ end -}}
{{- else if .enabled -}}true{{- end -}}
{{- end -}}

{{/* The settings of the user, and the settings that the chart computes from other values. */}}
{{- define "ucwa-batch-proxy.config" -}}
{{- $computed := dict -}}
{{- $listen := dict -}}
{{- if .Values.serverTls.existingSecret -}}
{{- $tls := dict "cert" (printf "/etc/ucwa-batch-proxy-tls/server/%s" .Values.serverTls.certKey) "key" (printf "/etc/ucwa-batch-proxy-tls/server/%s" .Values.serverTls.keyKey) -}}
{{- $certs := list -}}
{{- range $i, $extra := .Values.serverTls.extra -}}
{{- if not (dig "existingSecret" "" (ternary $extra dict (kindIs "map" $extra))) -}}
{{- fail (printf "serverTls.extra[%d] is %s: expected a secret, such as {existingSecret: name, certKey: tls.crt, keyKey: tls.key}" $i (toJson $extra)) -}}
{{- end -}}
{{- $folder := printf "/etc/ucwa-batch-proxy-tls/server-%d" $i -}}
{{- $certs = append $certs (dict "cert" (printf "%s/%s" $folder ($extra.certKey | default "tls.crt")) "key" (printf "%s/%s" $folder ($extra.keyKey | default "tls.key"))) -}}
{{- end -}}
{{- if $certs }}{{- $_ := set $tls "certs" $certs }}{{ end -}}
{{- $_ := set $listen "tls" $tls -}}
{{- end -}}
{{- if .Values.ports.plain -}}
{{- $_ := set $listen "plain" (include "ucwa-batch-proxy.address" (dict "root" . "port" .Values.ports.plain)) -}}
{{- end -}}
{{- if $listen }}{{- $_ := set $computed "listen" $listen }}{{ end -}}
{{- if .Values.upstreamTls.existingSecret -}}
{{- $tls := dict -}}
{{- range $setting, $key := dict "ca" .Values.upstreamTls.caKey "cert" .Values.upstreamTls.certKey "key" .Values.upstreamTls.keyKey -}}
{{- if $key }}{{- $_ := set $tls $setting (printf "/etc/ucwa-batch-proxy-tls/upstream/%s" $key) -}}{{- end -}}
{{- end -}}
{{- $_ := set $computed "upstream" (dict "tls" $tls) -}}
{{- end -}}
{{- mustMergeOverwrite (deepCopy .Values.config) $computed | toYaml -}}
{{- end -}}

{{/* A setting of the program, or its default. Usage: (dict "root" $ "path" (list "drain" "delayMs") "default" 1000) */}}
{{- define "ucwa-batch-proxy.setting" -}}
{{- $section := index .root.Values.config (first .path) | default dict -}}
{{- $name := last .path -}}
{{- if and (hasKey $section $name) (not (kindIs "invalid" (index $section $name))) -}}
{{- index $section $name | toString -}}
{{- else -}}
{{- .default -}}
{{- end -}}
{{- end -}}

{{/* Seconds that a pod needs to shut down: preStop, the drain, and 5 to spare. */}}
{{- define "ucwa-batch-proxy.neededSeconds" -}}
{{- $delayMs := include "ucwa-batch-proxy.setting" (dict "root" . "path" (list "drain" "delayMs") "default" 1000) | float64 -}}
{{- $timeoutMs := include "ucwa-batch-proxy.setting" (dict "root" . "path" (list "drain" "timeoutMs") "default" 25000) | float64 -}}
{{- add .Values.preStopSleepSeconds (ceil (divf (addf $delayMs $timeoutMs) 1000)) 5 -}}
{{- end -}}

{{- define "ucwa-batch-proxy.graceSeconds" -}}
{{- $given := .Values.terminationGracePeriodSeconds -}}
{{- if kindIs "invalid" $given -}}
{{- include "ucwa-batch-proxy.neededSeconds" . -}}
{{- else -}}
{{- $given -}}
{{- end -}}
{{- end -}}

{{/* The ports of the pools and of their health checks, as a list in JSON. */}}
{{- define "ucwa-batch-proxy.upstreamPorts" -}}
{{- $ports := list -}}
{{- if .Values.config.pools -}}
{{- range .Values.config.pools -}}
{{- range concat (default list .servers) (default list .fallback) -}}
{{- $ports = append $ports (include "ucwa-batch-proxy.portOf" .) -}}
{{- end -}}
{{- with .health -}}
{{- with .tcpPort -}}
{{- $ports = append $ports (toString (int .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- $ports = append $ports (include "ucwa-batch-proxy.portOf" .Values.config.upstream.url) -}}
{{- end -}}
{{- $items := list -}}
{{- range uniq $ports -}}
{{- $items = append $items (dict "port" (int .) "protocol" "TCP") -}}
{{- end -}}
{{- toJson $items -}}
{{- end -}}

{{/* The port of a URL. */}}
{{- define "ucwa-batch-proxy.portOf" -}}
{{- $url := urlParse . -}}
{{- if regexMatch ":[0-9]+$" $url.host -}}
{{- regexFind "[0-9]+$" $url.host -}}
{{- else if eq $url.scheme "https" -}}443
{{- else -}}80
{{- end -}}
{{- end -}}

{{/* The port of the collector of traces, if the values name one: a variable comes before config.trace.endpoint. */}}
{{- define "ucwa-batch-proxy.tracePort" -}}
{{- $endpoints := dict -}}
{{- range .Values.extraEnv -}}
{{- if .value }}{{- $_ := set $endpoints .name (tpl (toString .value) $) }}{{ end -}}
{{- end -}}
{{- $endpoint := coalesce (get $endpoints "UCWA_PROXY_TRACE_ENDPOINT") (get $endpoints "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") (get $endpoints "OTEL_EXPORTER_OTLP_ENDPOINT") (dig "endpoint" "" (.Values.config.trace | default dict)) -}}
{{- if regexMatch "^https?://" (toString $endpoint) }}{{ include "ucwa-batch-proxy.portOf" $endpoint }}{{ end -}}
{{- end -}}

{{/* Whether there is, or can be, more than one pod. */}}
{{- define "ucwa-batch-proxy.replicated" -}}
{{- if .Values.autoscaling.enabled -}}
{{- if gt (int .Values.autoscaling.maxReplicas) 1 }}true{{ end -}}
{{- else if or (kindIs "invalid" .Values.replicaCount) (gt (int .Values.replicaCount) 1) }}true{{- end -}}
{{- end -}}

{{/* Fails if an item of ingress.hosts is wrong. Argument: (dict "place" 0 "host" …) */}}
{{- define "ucwa-batch-proxy.ingressHost" -}}
{{- $expected := printf "ingress.hosts[%d] is %s: expected a host with paths, such as {host: lyncweb.example.com, paths: [{path: /, pathType: Prefix}]}" .place (toJson .host) -}}
{{- if not (kindIs "map" .host) }}{{ fail $expected }}{{ end -}}
{{- if not (and (kindIs "string" .host.host) (kindIs "slice" .host.paths)) }}{{ fail $expected }}{{ end -}}
{{- range .host.paths -}}
{{- if not (kindIs "map" .) }}{{ fail $expected }}{{ end -}}
{{- if not (and (hasPrefix "/" (toString .path)) (has .pathType (list "Prefix" "Exact" "ImplementationSpecific"))) }}{{ fail $expected }}{{ end -}}
{{- if regexMatch "[\"'{}\\s;$]" .path }}{{ fail (printf "%s, and paths without quotes, braces, semicolons, dollars and spaces" $expected) }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* Fails unless the text is an address with a prefix length. Argument: (dict "place" 0 "cidr" …) */}}
{{- define "ucwa-batch-proxy.cidr" -}}
{{- $text := toString .cidr -}}
{{- $v4 := "^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])([.]|/)){4}([12]?[0-9]|3[0-2])$" -}}
{{- $v6 := "^[0-9a-fA-F:]*:[0-9a-fA-F:.]*/([1-9]?[0-9]|1[01][0-9]|12[0-8])$" -}}
{{- if not (or (and (regexMatch $v4 $text) (eq (len (splitList "/" $text)) 2)) (regexMatch $v6 $text)) -}}
{{- fail (printf "networkPolicy.upstreamCidrs[%d] is %s: expected an address with a prefix length, such as 10.1.2.3/32 or 10.0.0.0/8" .place $text) -}}
{{- end -}}
{{- end -}}

{{/* The uid of the dashboard, which no other release has. */}}
{{- define "ucwa-batch-proxy.dashboardUid" -}}
{{- $own := printf "%s/%s" (include "ucwa-batch-proxy.namespace" .) (include "ucwa-batch-proxy.fullname" .) -}}
{{- .Values.metrics.dashboard.uid | default (printf "ucwa-%s" (sha256sum $own | trunc 16)) -}}
{{- end -}}

{{/* A quantity of memory in MiB, rounded down. */}}
{{- define "ucwa-batch-proxy.mebibytes" -}}
{{- $text := toString . -}}
{{- $number := regexFind "^[0-9.]+" $text | float64 -}}
{{- if kindIs "float64" . }}{{ $number = . }}{{ $text = "" }}{{ end -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- $bytes := dict "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "k" 1000.0 "M" 1000000.0 "G" 1000000000.0 "T" 1000000000000.0 -}}
{{- floor (divf (mulf $number (get $bytes $unit | default 1.0)) 1048576) -}}
{{- end -}}

{{/* The name that a Gateway verifies in the certificate of the pods. */}}
{{- define "ucwa-batch-proxy.backendHostname" -}}
{{- $name := .Values.httpRoute.backendTls.hostname -}}
{{- range .Values.httpRoute.hostnames -}}
{{- if not (or $name (hasPrefix "*" .)) }}{{- $name = . }}{{ end -}}
{{- end -}}
{{- required "httpRoute.backendTls.hostname is required with serverTls: the name in the certificate of the pods, which the Gateway verifies" $name -}}
{{- end -}}
