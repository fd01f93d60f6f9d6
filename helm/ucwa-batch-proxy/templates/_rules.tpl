{{/*
The groups of the PrometheusRule. All rates use the same window, so that one value can shorten them
all. The argument is (dict "rule" … "self" … "lingerMs" … "dashboardUid" …). "self" selects the series of
this release by namespace and job. "lingerMs" is batching.lingerMaxMs.
*/}}
{{- define "ucwa-batch-proxy.rules" -}}
{{- $rule := .rule -}}
{{- $t := $rule.thresholds -}}
{{- $w := $rule.window -}}
{{- $self := .self -}}
{{- $by := "namespace, job" -}}
{{- $lingerMs := .lingerMs | float64 -}}
{{- $links := dict -}}
{{- if $rule.grafanaUrl -}}
{{- $_ := set $links "dashboard_url" (printf "%s/d/%s" (trimSuffix "/" $rule.grafanaUrl) .dashboardUid) -}}
{{- end -}}
groups:
  - name: ucwa-batch-proxy.records
    rules:
      # Batchable calls per second, and requests per second that the proxy sent for them.
      - record: ucwa_proxy:batchable_calls:rate
        expr: sum by ({{ $by }}) (rate(ucwa_proxy_calls_total{ {{- $self }},via=~"batch|single"}[{{ $w }}]))
      - record: ucwa_proxy:upstream_requests:rate
        expr: sum by ({{ $by }}) (rate(ucwa_proxy_upstream_responses_total{ {{- $self }},kind=~"batch|single"}[{{ $w }}]))
      # Share of requests that batching saves the pool. Retries and splits count as requests.
      - record: ucwa_proxy:saved:ratio
        expr: 1 - ucwa_proxy:upstream_requests:rate{ {{- $self }}} / (ucwa_proxy:batchable_calls:rate{ {{- $self }}} > 0)
      - record: ucwa_proxy:batch_parts:mean
        expr: sum by ({{ $by }}) (rate(ucwa_proxy_batch_parts_sum{ {{- $self }}}[{{ $w }}])) / (sum by ({{ $by }}) (rate(ucwa_proxy_batch_parts_count{ {{- $self }}}[{{ $w }}])) > 0)
      - record: ucwa_proxy:splits:rate
        expr: sum by ({{ $by }}) (rate(ucwa_proxy_429_splits_total{ {{- $self }}}[{{ $w }}]))
      - record: ucwa_proxy:upstream_429:ratio
        expr: sum by ({{ $by }}) (rate(ucwa_proxy_upstream_responses_total{ {{- $self }},kind=~"batch|single",code="429"}[{{ $w }}])) / (ucwa_proxy:upstream_requests:rate{ {{- $self }}} > 0)
      # Recorded at each change of a user's estimate. Without changes there is no value. Estimates are whole numbers.
      - record: ucwa_proxy:learned_limit:median
        expr: ceil(histogram_quantile(0.5, sum by ({{ $by }}, le) (rate(ucwa_proxy_learned_limit_bucket{ {{- $self }}}[{{ $w }}]))))
      # Each proxy counts a user that reaches it. If users are spread over N proxies, this falls to 1/N.
      - record: ucwa_proxy:calls_per_user:rate
        expr: ucwa_proxy:batchable_calls:rate{ {{- $self }}} / (sum by ({{ $by }}) (ucwa_proxy_users{ {{- $self }}}) > 0)
      - record: ucwa_proxy:hold_seconds:p99
        expr: histogram_quantile(0.99, sum by ({{ $by }}, le) (rate(ucwa_proxy_hold_seconds_bucket{ {{- $self }}}[{{ $w }}])))
  - name: ucwa-batch-proxy.alerts
    rules:
      {{- range $alert := include "ucwa-batch-proxy.alerts" (dict "root" . "self" $self "by" $by "w" $w "t" $t "for" $rule.for "baseline" $rule.baseline "lingerSeconds" (divf $lingerMs 1000)) | fromYamlArray }}
      {{- if not (has $alert.alert $rule.disabled) }}
      {{- $labels := mergeOverwrite (deepCopy $rule.alertLabels) $alert.labels }}
      {{- $annotations := mergeOverwrite (deepCopy $alert.annotations) $links (dict "runbook_url" (printf "%s#%s" $rule.runbookUrl (lower $alert.alert))) }}
      - {{ toYaml (mergeOverwrite (deepCopy $alert) (dict "labels" $labels "annotations" $annotations)) | nindent 8 | trim }}
      {{- end }}
      {{- end }}
{{- end -}}

{{- define "ucwa-batch-proxy.alerts" -}}
# Is it up?
- alert: UcwaProxyDown
  # If no pod is up, UcwaProxyAbsent fires alone.
  expr: up{ {{- .self }}} == 0 and on ({{ .by }}) (max by ({{ .by }}) (up{ {{- .self }}}) == 1)
  for: {{ .for }}
  labels: { severity: critical }
  annotations:
    summary: '{{ "Prometheus cannot scrape the ucwa-batch-proxy pod {{ $labels.instance }}" }}'
    description: 'The pod is down, or its admin port does not answer, while another one works. Look at the events of the pod and at its last log lines. The chart''s value networkPolicy.monitoringNamespaces must have the namespace of Prometheus.'
- alert: UcwaProxyAbsent
  expr: absent(ucwa_proxy_build_info{ {{- .self }}})
  for: {{ .for }}
  labels: { severity: critical }
  annotations:
    summary: 'Prometheus has no metrics of ucwa-batch-proxy'
    description: 'No pod runs, so clients cannot reach the pool; or Prometheus does not find the pods. Check "kubectl get pods" first, then the ServiceMonitor or PodMonitor.'
- alert: UcwaProxyRestarts
  expr: changes(process_start_time_seconds{ {{- .self }}}[{{ .baseline }}]) > 3
  labels: { severity: warning }
  annotations:
    summary: '{{ "The ucwa-batch-proxy pod {{ $labels.instance }} keeps restarting" }}'
    description: 'More than three restarts in {{ .baseline }}. Possible reasons: too little memory (OOMKilled), a failed liveness probe, or an internal error. "kubectl describe pod" and the last log lines of the container show which one.'
- alert: UcwaProxySettingsRefused
  expr: ucwa_proxy_config_last_reload_successful{ {{- .self }}} == 0
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "The ucwa-batch-proxy pod {{ $labels.instance }} refuses its settings file" }}'
    description: 'The former settings stay in force, and calls work. The pod would not start with this file: correct it before the next restart. The log and /config of the admin port name each mistake.'
# What does it save?
- alert: UcwaProxyAffinityLost
  expr: |-
    ucwa_proxy:calls_per_user:rate{ {{- .self }}} < {{ .t.affinity }} * quantile_over_time(0.5, ucwa_proxy:calls_per_user:rate{ {{- .self }}}[{{ .baseline }}])
    and ucwa_proxy:saved:ratio{ {{- .self }}} < {{ .t.affinity }} * quantile_over_time(0.5, ucwa_proxy:saved:ratio{ {{- .self }}}[{{ .baseline }}])
    and on ({{ .by }}) count by ({{ .by }}) (ucwa_proxy_build_info{ {{- .self }}}) > 1
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: 'The calls of each user are spread over several ucwa-batch-proxy pods'
    description: 'Each pod sees fewer calls per user than normal, and batching saves fewer requests. Calls still work. Check that the balancer in front still sends all calls of a user to one pod (hash of the application id, see userAffinity in the chart).'
# What do callers pay?
- alert: UcwaProxyHoldTooLong
  expr: ucwa_proxy:hold_seconds:p99{ {{- .self }}} > {{ addf .lingerSeconds .t.holdOverSeconds }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: 'ucwa-batch-proxy holds calls longer than batching.lingerMaxMs'
    description: '{{ "The 99th percentile of the hold is {{ $value | humanizeDuration }}. The timers of the process are late: one core has too much load, or a CPU limit throttles it. Add pods, or remove the CPU limit." }}'
- alert: UcwaProxyQueueTooLong
  expr: histogram_quantile(0.99, sum by ({{ .by }}, le) (rate(ucwa_proxy_queue_seconds_bucket{ {{- .self }},reason=~"limit|pause|slots"}[{{ .w }}]))) > {{ .t.queueSeconds }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: 'Calls wait too long in ucwa-batch-proxy before they are sent'
    description: '{{ "The 99th percentile of the wait is {{ $value | humanizeDuration }}. The label reason of ucwa_proxy_queue_seconds shows what calls wait for. limit, pause: the pool refuses calls of these users (429). slots: the pool is slow." }}'
- alert: UcwaProxyCallsFail
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_calls_total{ {{- .self }},code=~"500|502|503|504"}[{{ .w }}])) / (sum by ({{ .by }}) (rate(ucwa_proxy_calls_total{ {{- .self }}}[{{ .w }}])) > 0) > {{ .t.failed }}
  for: {{ .for }}
  labels: { severity: critical }
  annotations:
    summary: '{{ "{{ $value | humanizePercentage }} of the calls through ucwa-batch-proxy fail with 500, 502, 503 or 504" }}'
    description: 'Most likely the pool is down, slow or faulty: check it first. A call with 503 did not run. A call with 504 may have run. The proxy logs each of these calls.'
- alert: UcwaProxyCallsRefused
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_refused_total{ {{- .self }}}[{{ .w }}])) / (sum by ({{ .by }}) (rate(ucwa_proxy_calls_total{ {{- .self }}}[{{ .w }}])) > 0) > {{ .t.refused }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "ucwa-batch-proxy itself refuses {{ $value | humanizePercentage }} of calls" }}'
    description: 'A limit of the proxy is reached, or clients send invalid requests. The label reason of ucwa_proxy_refused_total shows which.'
# Does the pool refuse?
- alert: UcwaProxyPoolRefuses
  expr: ucwa_proxy:upstream_429:ratio{ {{- .self }}} > {{ .t.refusedByPool }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "The pool answers 429 to {{ $value | humanizePercentage }} of requests" }}'
    description: 'The proxy sends the calls again in smaller batches, so callers wait longer but get answers. Users make more calls than the pool allows them, or several proxies or other clients share the limits of these users.'
- alert: UcwaProxyClientsSee429
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_calls_total{ {{- .self }},code="429"}[{{ .w }}])) / (sum by ({{ .by }}) (rate(ucwa_proxy_calls_total{ {{- .self }}}[{{ .w }}])) > 0) > {{ .t.refusedToClients }}
  for: {{ .for }}
  labels: { severity: critical }
  annotations:
    summary: '{{ "Clients get 429 for {{ $value | humanizePercentage }} of calls" }}'
    description: 'Either the pool refused these calls until their deadline (upstream.timeoutMs), although the proxy waited and sent smaller batches; or a user has reached a limit of the proxy (ucwa_proxy_refused_total).'
- alert: UcwaProxySplitsWithoutRelief
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_429_splits_total{ {{- .self }},depth=~"3|4[+]"}[{{ .w }}])) > 0.25 * sum by ({{ .by }}) (rate(ucwa_proxy_429_splits_total{ {{- .self }}}[{{ .w }}]))
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: 'The pool refuses calls even in smaller batches'
    description: 'The pool refused calls three times or more with 429. Something outside this proxy uses the limits of these users: other clients, other proxies, or event polls (limits.longPollCounts).'
- alert: UcwaProxyLimitLow
  expr: ucwa_proxy:learned_limit:median{ {{- .self }}} < {{ .t.learnedLimit }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "The pool allows a user only about {{ $value | humanize }} concurrent calls" }}'
    description: 'Batches are then small, and save little. Other clients use the limits of these users, or the limit of the pool was lowered.'
# Is something stuck?
- alert: UcwaProxyRepeatsDenied
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_repeats_total{ {{- .self }},outcome="denied"}[{{ .w }}])) > {{ .t.repeatsDenied }} * sum by ({{ .by }}) (rate(ucwa_proxy_repeats_total{ {{- .self }}}[{{ .w }}]))
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: 'More calls fail at the pool than ucwa-batch-proxy may retry'
    description: 'The retry budget is spent, which protects the pool from a flood of retries. {{ "{{ $value | humanize }}" }} calls per second get an error instead of a retry. The pool is down, or closes connections: check it first.'
- alert: UcwaProxyStuck
  expr: ucwa_proxy_outstanding_calls{ {{- .self }}} > 0 and on ({{ .by }}, instance) sum by ({{ .by }}, instance) (rate(ucwa_proxy_upstream_responses_total{ {{- .self }},kind=~"batch|single"}[{{ .w }}])) == 0
  for: {{ .for }}
  labels: { severity: critical }
  annotations:
    summary: '{{ "The pool answers no calls of the ucwa-batch-proxy pod {{ $labels.instance }}" }}'
    description: 'Calls are at the pool, and none of them is answered. The pool hangs, or the network drops packets silently. Check the pool, and the network between the pod and the pool.'
- alert: UcwaProxyProtocolErrors
  expr: sum by ({{ .by }}, kind) (increase(ucwa_proxy_protocol_errors_total{ {{- .self }}}[{{ .w }}])) > 0
  labels: { severity: warning }
  annotations:
    summary: '{{ "ucwa-batch-proxy gets invalid answers from the pool ({{ $labels.kind }})" }}'
    description: 'The pool changed, or something between the proxy and the pool changes its answers. The setting "batching.mode: off" turns batching off until the reason is found. Kind "unsolicited" means that the pool sent bytes without a request, and that the proxy closed the connection.'
- alert: UcwaProxyPromiseBroken
  expr: sum by ({{ .by }}, invariant) (increase(ucwa_proxy_invariant_violations_total{ {{- .self }}}[{{ .w }}])) > 0
  labels: { severity: critical }
  annotations:
    summary: '{{ "ucwa-batch-proxy detected a bug in itself ({{ $labels.invariant }})" }}'
    description: 'A last check stopped the bug before it did harm. The affected callers got 500. Report the bug with its log line. "keeps_running" can also mean that the event loop was blocked: give the pod more CPU. docs/guarantees.md explains the guarantee.'
- alert: UcwaProxyBatchesLate
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_late_batches_total{ {{- .self }}}[{{ .w }}])) / (sum by ({{ .by }}) (rate(ucwa_proxy_batches_total{ {{- .self }}}[{{ .w }}])) > 0) > {{ .t.lateBatches }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "{{ $value | humanizePercentage }} of batches are so late that their GETs are sent again" }}'
    description: 'A route of the pool is slow now and then, and delays the other calls in its batch. Add this route to batching.never, or check why the pool is slow.'
# Is it big enough?
- alert: UcwaProxyEventLoopLate
  expr: nodejs_eventloop_lag_p99_seconds{ {{- .self }}} > {{ .t.eventLoopLagSeconds }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "The ucwa-batch-proxy pod {{ $labels.instance }} reacts {{ $value | humanizeDuration }} late" }}'
    description: 'The event loop of the process is overloaded, so every call is slower. One process uses one core. Add pods, or remove the CPU limit.'
- alert: UcwaProxyCpuFull
  expr: rate(process_cpu_seconds_total{ {{- .self }}}[{{ .w }}]) > {{ .t.cpu }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "The ucwa-batch-proxy pod {{ $labels.instance }} uses {{ $value | humanizePercentage }} of its one core" }}'
    description: 'One process cannot use more than one core, and calls get slow near 100%. Add pods.'
- alert: UcwaProxyConnectionsNearLimit
  expr: ucwa_proxy_connections{ {{- .self }},side="client"} > on ({{ .by }}, instance) group_left () ({{ .t.nearLimit }} * ucwa_proxy_limit{ {{- .self }},limit="maxConnections"})
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "The ucwa-batch-proxy pod {{ $labels.instance }} has {{ $value }} client connections" }}'
    description: 'At limits.maxConnections the pod closes new connections. The pod can have lowered this limit to its memory and open files: ucwa_proxy_limit shows it. Each device keeps one connection open for its event poll. Add pods.'
- alert: UcwaProxyQueueNearLimit
  expr: ucwa_proxy_held_calls{ {{- .self }}} + ucwa_proxy_outstanding_calls{ {{- .self }}} > on ({{ .by }}, instance) group_left () ({{ .t.nearLimit }} * ucwa_proxy_limit{ {{- .self }},limit="maxQueuedCalls"})
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "{{ $value }} calls wait for an answer in the ucwa-batch-proxy pod {{ $labels.instance }}" }}'
    description: 'At limits.maxQueuedCalls (ucwa_proxy_limit shows the effective value) the pod refuses further calls with 503. The pool is probably slow or down: check it first. If it is healthy, add pods.'
{{- end -}}
