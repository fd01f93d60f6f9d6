{{/*
Every template takes (dict "root" $ "values" .Values.ucwaBatch), where ucwaBatch is the name or alias
of this dependency. In a Deployment:

  metadata:
    annotations: {{ include "ucwa-batch.podAnnotations" $ucwa | nindent 4 }}
  spec:
    terminationGracePeriodSeconds: {{ include "ucwa-batch.graceSeconds" $ucwa }}
    initContainers: {{ include "ucwa-batch.initContainers" $ucwa | nindent 4 }}
    containers: {{ include "ucwa-batch.containers" $ucwa | nindent 4 }}
    volumes: {{ include "ucwa-batch.volumes" $ucwa | nindent 4 }}

Either initContainers or containers is empty, depending on the version of Kubernetes.
*/}}

{{- define "ucwa-batch.isNative" -}}
{{- $can := semverCompare ">=1.29-0" .root.Capabilities.KubeVersion.Version -}}
{{- if eq (toString .values.native) "auto" -}}
{{- if $can }}true{{ end -}}
{{- else if .values.native -}}
{{- if not $can -}}
{{- fail (printf "native sidecars need Kubernetes 1.29, this is %s: leave native at auto" .root.Capabilities.KubeVersion.Version) -}}
{{- end -}}true
{{- end -}}
{{- end -}}

{{- define "ucwa-batch.resourceName" -}}
{{- printf "%s-%s" (.root.Release.Name | trunc 40 | trimSuffix "-") .values.name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The repository of the image, with the registry of global.imageRegistry instead of its own. */}}
{{- define "ucwa-batch.repository" -}}
{{- $registry := dig "imageRegistry" "" (.values.global | default dict) -}}
{{- if $registry -}}
{{- printf "%s/%s" (trimSuffix "/" $registry) (regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" .values.image.repository "") -}}
{{- else -}}
{{- .values.image.repository -}}
{{- end -}}
{{- end -}}

{{- define "ucwa-batch.version" -}}
{{- if .values.image.digest -}}
{{- printf "%s@%s" (include "ucwa-batch.repository" .) .values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" (include "ucwa-batch.repository" .) (.values.image.tag | default "0.1.0") -}}
{{- end -}}
{{- end -}}

{{- define "ucwa-batch.config" -}}
{{- if not .values.config.pools -}}
{{- $_ := required "config.upstream.url of ucwa-batch-sidecar is required: the address of the pool, such as https://lyncweb.example.com" (dig "upstream" "url" "" .values.config) -}}
{{- end -}}
{{- $config := deepCopy .values.config -}}
{{- $config = mustMerge $config (dict "drain" (dict "delayMs" (include "ucwa-batch.delayMs" . | int))) -}}
{{- $given := .values.upstreamTls -}}
{{- if $given.existingSecret -}}
{{- if $config.pools -}}
{{- fail "upstreamTls.existingSecret of ucwa-batch-sidecar is only for config.upstream.url: mount the files of config.pools by extraVolumeMounts" -}}
{{- end -}}
{{- $tls := dict -}}
{{- range $setting, $key := dict "ca" $given.caKey "cert" $given.certKey "key" $given.keyKey -}}
{{- if $key }}{{- $_ := set $tls $setting (printf "/etc/ucwa-batch-proxy-tls/%s" $key) -}}{{- end -}}
{{- end -}}
{{- $config = mustMergeOverwrite $config (dict "upstream" (dict "tls" $tls)) -}}
{{- end -}}
{{- if eq (int .values.port) (int .values.adminPort) -}}
{{- fail (printf "ucwa-batch-sidecar: port and adminPort are both %v: they must differ" .values.port) -}}
{{- end -}}
{{- $listeners := dict "listen.address" (dict "host" "127.0.0.1" "port" .values.port) "admin.address" (dict "host" .values.adminHost "port" .values.adminPort) -}}
{{- with include "ucwa-batch.settingProblems" (dict "config" $config "env" .values.extraEnv "args" .values.extraArgs "listeners" $listeners) -}}
{{- fail (printf "ucwa-batch-sidecar: %s" .) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/*
Time in ms after SIGTERM in which the sidecar still takes calls. A native sidecar gets SIGTERM after
the application. A plain container gets it at the same time, when the application may still make calls.
*/}}
{{- define "ucwa-batch.delayMs" -}}
{{- $drain := .values.config.drain | default dict -}}
{{- if and (hasKey $drain "delayMs") (not (kindIs "invalid" $drain.delayMs)) -}}
{{- $drain.delayMs | int -}}
{{- else if include "ucwa-batch.isNative" . -}}0
{{- else -}}5000
{{- end -}}
{{- end -}}

{{/* Seconds that the sidecar needs to shut down after SIGTERM. */}}
{{- define "ucwa-batch.drainSeconds" -}}
{{- $drain := .values.config.drain | default dict -}}
{{- $delayMs := include "ucwa-batch.delayMs" . | float64 -}}
{{- $timeoutMs := ternary (get $drain "timeoutMs") 25000 (hasKey $drain "timeoutMs") | float64 -}}
{{- ceil (divf (addf $delayMs $timeoutMs) 1000) -}}
{{- end -}}

{{/* The pod's grace period in seconds: podGraceSeconds, which must be long enough, or the time that
the sidecar needs plus 10 for the application. */}}
{{- define "ucwa-batch.graceSeconds" -}}
{{- $needed := add (include "ucwa-batch.drainSeconds" . | int) 5 -}}
{{- if kindIs "invalid" .values.podGraceSeconds -}}
{{- add $needed 10 -}}
{{- else if lt (int .values.podGraceSeconds) (int $needed) -}}
{{- fail (printf "podGraceSeconds is %v, but the shutdown of the sidecar needs %v" .values.podGraceSeconds $needed) -}}
{{- else -}}
{{- .values.podGraceSeconds -}}
{{- end -}}
{{- end -}}

{{- define "ucwa-batch.container" -}}
{{- with include "ucwa-batch.recordProblem" (dict "config" .values.config "mounts" .values.extraVolumeMounts "security" .values.securityContext) -}}
{{- fail (printf "ucwa-batch-sidecar: %s" .) -}}
{{- end -}}
{{- $memory := dig "limits" "memory" "" .values.resources -}}
{{- if and $memory (lt (include "ucwa-batch.mebibytes" $memory | float64) 96.0) -}}
{{- fail (printf "ucwa-batch-sidecar: resources.limits.memory is %v: expected at least 96Mi, because an idle proxy takes 90 MB" $memory) -}}
{{- end -}}
- name: {{ .values.name }}
  image: {{ include "ucwa-batch.version" . | quote }}
  imagePullPolicy: {{ .values.image.pullPolicy }}
  {{- if include "ucwa-batch.isNative" . }}
  restartPolicy: Always
  {{- end }}
  args:
    - serve
    - --config
    - /etc/ucwa-batch-proxy/config.yaml
    - --listen
    - 127.0.0.1:{{ .values.port }}
    - --admin
    - {{ printf (ternary "[%s]:%d" "%s:%d" (contains ":" .values.adminHost)) .values.adminHost (int .values.adminPort) | quote }}
    {{- with .values.extraArgs }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  env:
    - name: NODE_OPTIONS
      value: --max-old-space-size-percentage={{ .values.heapPercent }} --max-semi-space-size=16
    {{- with .values.extraEnv }}
    {{- tpl (toYaml .) $.root | nindent 4 }}
    {{- end }}
  {{- with .values.extraEnvFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  # A container that does not start has the reason in "kubectl describe".
  terminationMessagePolicy: FallbackToLogsOnError
  ports:
    - name: ucwa-admin
      containerPort: {{ .values.adminPort }}
  # The application starts after the startup probe of a native sidecar succeeds.
  startupProbe:
    httpGet: { path: /readyz, port: ucwa-admin }
    periodSeconds: 1
    failureThreshold: 30
  livenessProbe:
    httpGet: { path: /livez, port: ucwa-admin }
    periodSeconds: 10
    timeoutSeconds: 5
  {{- with .values.readinessProbe }}
  readinessProbe:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  resources:
    {{- toYaml .values.resources | nindent 4 }}
  securityContext:
    {{- toYaml .values.securityContext | nindent 4 }}
  volumeMounts:
    - name: ucwa-batch-config
      mountPath: /etc/ucwa-batch-proxy
      readOnly: true
    {{- if .values.upstreamTls.existingSecret }}
    - name: ucwa-batch-tls
      mountPath: /etc/ucwa-batch-proxy-tls
      readOnly: true
    {{- end }}
    {{- with .values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* For initContainers: the native sidecar, or nothing if it is a plain container. */}}
{{- define "ucwa-batch.initContainers" -}}
{{- if include "ucwa-batch.isNative" . }}{{ include "ucwa-batch.container" . }}{{ end -}}
{{- end -}}

{{/* For containers: the plain container, or nothing if it is a native sidecar. */}}
{{- define "ucwa-batch.containers" -}}
{{- if not (include "ucwa-batch.isNative" .) }}{{ include "ucwa-batch.container" . }}{{ end -}}
{{- end -}}

{{- define "ucwa-batch.volumes" -}}
- name: ucwa-batch-config
  configMap:
    name: {{ include "ucwa-batch.resourceName" . }}
{{- with .values.upstreamTls.existingSecret }}
- name: ucwa-batch-tls
  secret:
    secretName: {{ . }}
    defaultMode: 0444
{{- end }}
{{- end -}}

{{- define "ucwa-batch.podAnnotations" -}}
checksum/ucwa-batch-proxy: {{ include "ucwa-batch.config" . | sha256sum }}
{{- end -}}

{{/* URL of the sidecar for the application. */}}
{{- define "ucwa-batch.url" -}}
http://127.0.0.1:{{ .values.port }}
{{- end -}}

{{/* A quantity of memory in MiB, rounded down. */}}
{{- define "ucwa-batch.mebibytes" -}}
{{- $text := toString . -}}
{{- $number := regexFind "^[0-9.]+" $text | float64 -}}
{{- if kindIs "float64" . }}{{ $number = . }}{{ $text = "" }}{{ end -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- $bytes := dict "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "k" 1000.0 "M" 1000000.0 "G" 1000000000.0 "T" 1000000000000.0 -}}
{{- floor (divf (mulf $number (get $bytes $unit | default 1.0)) 1048576) -}}
{{- end -}}
