{{/*
The groups of the PrometheusRule. Every rate is taken over one window, so that all may be shortened
together. `$self` picks this release's series by namespace and job; a job is named after the Service
(ServiceMonitor), or after namespace and PodMonitor.
*/}}
{{- define "ucwa-batch-proxy.rules" -}}
{{- $rule := .Values.metrics.prometheusRule -}}
{{- $t := $rule.thresholds -}}
{{- $w := $rule.window -}}
{{- $name := include "ucwa-batch-proxy.fullname" . -}}
{{- $self := printf "namespace=%q,job=~%q" .Release.Namespace (printf "(%s/)?%s(-admin)?" .Release.Namespace $name) -}}
{{- $by := "namespace, job" -}}
{{- $lingerMs := include "ucwa-batch-proxy.setting" (dict "root" . "path" (list "batching" "lingerMaxMs") "default" 15) | float64 -}}
{{- $maxConnections := include "ucwa-batch-proxy.setting" (dict "root" . "path" (list "limits" "maxConnections") "default" 20000) | int -}}
{{- $maxQueued := include "ucwa-batch-proxy.setting" (dict "root" . "path" (list "limits" "maxQueuedCalls") "default" 10000) | int -}}
groups:
  - name: ucwa-batch-proxy.records
    rules:
      # Calls a second that could be batched, and requests a second that were sent for them.
      - record: ucwa_proxy:batchable_calls:rate
        expr: sum by ({{ $by }}) (rate(ucwa_proxy_calls_total{ {{- $self }},via=~"batch|single"}[{{ $w }}]))
      - record: ucwa_proxy:upstream_requests:rate
        expr: sum by ({{ $by }}) (rate(ucwa_proxy_upstream_responses_total{ {{- $self }},kind=~"batch|single"}[{{ $w }}]))
      # The share of requests that batching spared the pool, repeats and splits subtracted.
      - record: ucwa_proxy:saved:ratio
        expr: 1 - ucwa_proxy:upstream_requests:rate{ {{- $self }}} / (ucwa_proxy:batchable_calls:rate{ {{- $self }}} > 0)
      - record: ucwa_proxy:batch_parts:mean
        expr: sum by ({{ $by }}) (rate(ucwa_proxy_batch_parts_sum{ {{- $self }}}[{{ $w }}])) / (sum by ({{ $by }}) (rate(ucwa_proxy_batch_parts_count{ {{- $self }}}[{{ $w }}])) > 0)
      - record: ucwa_proxy:splits:rate
        expr: sum by ({{ $by }}) (rate(ucwa_proxy_429_splits_total{ {{- $self }}}[{{ $w }}]))
      - record: ucwa_proxy:upstream_429:ratio
        expr: sum by ({{ $by }}) (rate(ucwa_proxy_upstream_responses_total{ {{- $self }},kind=~"batch|single",code="429"}[{{ $w }}])) / (ucwa_proxy:upstream_requests:rate{ {{- $self }}} > 0)
      # At each change of what is believed of a user; no change, no value.
      - record: ucwa_proxy:learned_limit:median
        expr: histogram_quantile(0.5, sum by ({{ $by }}, le) (rate(ucwa_proxy_learned_limit_bucket{ {{- $self }}}[{{ $w }}])))
      # A user whose calls come to several proxies is counted by each, so this falls to 1/N.
      - record: ucwa_proxy:calls_per_user:rate
        expr: ucwa_proxy:batchable_calls:rate{ {{- $self }}} / (sum by ({{ $by }}) (ucwa_proxy_users{ {{- $self }}}) > 0)
      - record: ucwa_proxy:hold_seconds:p99
        expr: histogram_quantile(0.99, sum by ({{ $by }}, le) (rate(ucwa_proxy_hold_seconds_bucket{ {{- $self }}}[{{ $w }}])))
  - name: ucwa-batch-proxy.alerts
    rules:
      {{- range $alert := include "ucwa-batch-proxy.alerts" (dict "root" . "self" $self "by" $by "w" $w "t" $t "for" $rule.for "baseline" $rule.baseline "lingerSeconds" (divf $lingerMs 1000) "maxConnections" $maxConnections "maxQueued" $maxQueued) | fromYamlArray }}
      {{- if not (has $alert.alert $rule.disabled) }}
      {{- $labels := mergeOverwrite (deepCopy $rule.alertLabels) $alert.labels }}
      - {{ toYaml (set (deepCopy $alert) "labels" $labels) | nindent 8 | trim }}
      {{- end }}
      {{- end }}
{{- end -}}

{{- define "ucwa-batch-proxy.alerts" -}}
# Is it up?
- alert: UcwaProxyDown
  expr: up{ {{- .self }}} == 0
  for: {{ .for }}
  labels: { severity: critical }
  annotations:
    summary: '{{ "{{ $labels.instance }} of ucwa-batch-proxy cannot be scraped" }}'
    description: 'The pod does not answer on its admin port. Look at its events and its last log lines.'
- alert: UcwaProxyAbsent
  expr: absent(ucwa_proxy_build_info{ {{- .self }}})
  for: {{ .for }}
  labels: { severity: critical }
  annotations:
    summary: 'No ucwa-batch-proxy is scraped'
    description: 'No pod runs, or Prometheus does not find them.'
- alert: UcwaProxyRestarts
  expr: changes(process_start_time_seconds{ {{- .self }}}[{{ .baseline }}]) > 3
  labels: { severity: warning }
  annotations:
    summary: '{{ "{{ $labels.instance }} restarts again and again" }}'
    description: 'Killed for memory, by its liveness probe, or ended by an internal error; the last log lines of the container say which.'
# What does it save?
- alert: UcwaProxyAffinityLost
  expr: |-
    ucwa_proxy:calls_per_user:rate{ {{- .self }}} < {{ .t.affinity }} * quantile_over_time(0.5, ucwa_proxy:calls_per_user:rate{ {{- .self }}}[{{ .baseline }}])
    and ucwa_proxy:saved:ratio{ {{- .self }}} < {{ .t.affinity }} * quantile_over_time(0.5, ucwa_proxy:saved:ratio{ {{- .self }}}[{{ .baseline }}])
    and on ({{ .by }}) count by ({{ .by }}) (ucwa_proxy_build_info{ {{- .self }}}) > 1
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: 'Users seem to be spread over several proxies'
    description: 'Each pod sees more users with fewer calls than was usual, and batches save less. Does the balancer still hash on the application id?'
# What do callers pay?
- alert: UcwaProxyHoldTooLong
  expr: ucwa_proxy:hold_seconds:p99{ {{- .self }}} > {{ addf .lingerSeconds .t.holdOverSeconds }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: 'Calls are held longer than batching.lingerMaxMs'
    description: '{{ "The 99th percentile is {{ $value | humanizeDuration }}. The event loop is late: too much load for one core, or a throttled CPU." }}'
- alert: UcwaProxyQueueTooLong
  expr: histogram_quantile(0.99, sum by ({{ .by }}, le) (rate(ucwa_proxy_queue_seconds_bucket{ {{- .self }},reason=~"limit|pause|slots"}[{{ .w }}]))) > {{ .t.queueSeconds }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: 'Calls wait long for leave to go to the pool'
    description: '{{ "The 99th percentile is {{ $value | humanizeDuration }}. The pool refuses (429), answers slowly, or users ask for more than it allows." }}'
- alert: UcwaProxyCallsFail
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_calls_total{ {{- .self }},code=~"500|502|503|504"}[{{ .w }}])) / (sum by ({{ .by }}) (rate(ucwa_proxy_calls_total{ {{- .self }}}[{{ .w }}])) > 0) > {{ .t.failed }}
  for: {{ .for }}
  labels: { severity: critical }
  annotations:
    summary: '{{ "{{ $value | humanizePercentage }} of calls fail" }}'
    description: 'The pool is down, slow or broken; 503 did not run, 504 nobody knows. The log names each call.'
- alert: UcwaProxyCallsRefused
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_refused_total{ {{- .self }}}[{{ .w }}])) / (sum by ({{ .by }}) (rate(ucwa_proxy_calls_total{ {{- .self }}}[{{ .w }}])) > 0) > {{ .t.refused }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "The proxy itself refuses {{ $value | humanizePercentage }} of calls" }}'
    description: 'A limit is reached or clients send what is not legal; ucwa_proxy_refused_total says why.'
# Does the pool refuse?
- alert: UcwaProxyPoolRefuses
  expr: ucwa_proxy:upstream_429:ratio{ {{- .self }}} > {{ .t.refusedByPool }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "The pool answers 429 to {{ $value | humanizePercentage }} of requests" }}'
    description: 'Batches are split and sent again, which costs time. Users ask for more than the pool allows, or several proxies share them.'
- alert: UcwaProxyClientsSee429
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_calls_total{ {{- .self }},code="429"}[{{ .w }}])) / (sum by ({{ .by }}) (rate(ucwa_proxy_calls_total{ {{- .self }}}[{{ .w }}])) > 0) > {{ .t.refusedToClients }}
  for: {{ .for }}
  labels: { severity: critical }
  annotations:
    summary: '{{ "{{ $value | humanizePercentage }} of calls are answered 429" }}'
    description: 'Waiting and splitting did not help before the calls'' deadlines.'
- alert: UcwaProxySplitsWithoutRelief
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_429_splits_total{ {{- .self }},depth=~"3|4[+]"}[{{ .w }}])) > 0.25 * sum by ({{ .by }}) (rate(ucwa_proxy_429_splits_total{ {{- .self }}}[{{ .w }}]))
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: 'Splitting batches does not satisfy the pool'
    description: 'Parts are refused three times and more. Something else uses up what the pool allows these users.'
- alert: UcwaProxyLimitLow
  expr: ucwa_proxy:learned_limit:median{ {{- .self }}} < {{ .t.learnedLimit }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "The pool allows users about {{ $value | humanize }} calls at a time" }}'
    description: 'So few do not make batches. Something else uses up what the pool allows these users, or it was set lower.'
# Is something stuck?
- alert: UcwaProxyRepeatsDenied
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_repeats_total{ {{- .self }},outcome="denied"}[{{ .w }}])) > {{ .t.repeatsDenied }} * sum by ({{ .by }}) (rate(ucwa_proxy_repeats_total{ {{- .self }}}[{{ .w }}]))
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: 'More calls fail than may be sent again'
    description: 'The budget of repeats is spent, and {{ "{{ $value | humanize }}" }} calls a second get the pool''s error. The pool is down or breaks off.'
- alert: UcwaProxyStuck
  expr: ucwa_proxy_outstanding_calls{ {{- .self }}} > 0 and on ({{ .by }}, instance) sum by ({{ .by }}, instance) (rate(ucwa_proxy_upstream_responses_total{ {{- .self }},kind=~"batch|single"}[{{ .w }}])) == 0
  for: {{ .for }}
  labels: { severity: critical }
  annotations:
    summary: '{{ "Calls of {{ $labels.instance }} are with the pool, and none is answered" }}'
    description: 'The pool hangs, or the way to it is cut without anybody saying so.'
- alert: UcwaProxyProtocolErrors
  expr: sum by ({{ .by }}, kind) (increase(ucwa_proxy_protocol_errors_total{ {{- .self }}}[{{ .w }}])) > 0
  labels: { severity: warning }
  annotations:
    summary: '{{ "Answers of the pool break the protocol ({{ $labels.kind }})" }}'
    description: 'The pool changed, or something between alters its answers. "batching.mode off" takes batching out of the way. Kind "unsolicited": the pool sent bytes that no request asked for, and the connection was closed.'
- alert: UcwaProxyPromiseBroken
  expr: sum by ({{ .by }}, invariant) (increase(ucwa_proxy_invariant_violations_total{ {{- .self }}}[{{ .w }}])) > 0
  labels: { severity: critical }
  annotations:
    summary: '{{ "A bug, stopped at the last moment: {{ $labels.invariant }}" }}'
    description: 'What the README promises would have been broken. The callers got 500 instead; the log has one line for each.'
- alert: UcwaProxyBatchesLate
  expr: sum by ({{ .by }}) (rate(ucwa_proxy_late_batches_total{ {{- .self }}}[{{ .w }}])) / (sum by ({{ .by }}) (rate(ucwa_proxy_batches_total{ {{- .self }}}[{{ .w }}])) > 0) > {{ .t.lateBatches }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "{{ $value | humanizePercentage }} of batches are late and asked again" }}'
    description: 'Some route is slow inside batches. batching.never keeps it out of them.'
# Is it big enough?
- alert: UcwaProxyEventLoopLate
  expr: nodejs_eventloop_lag_p99_seconds{ {{- .self }}} > {{ .t.eventLoopLagSeconds }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "The event loop of {{ $labels.instance }} is {{ $value | humanizeDuration }} late" }}'
    description: 'One process uses one core. Add pods, or lift the CPU limit.'
- alert: UcwaProxyCpuFull
  expr: rate(process_cpu_seconds_total{ {{- .self }}}[{{ .w }}]) > {{ .t.cpu }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its one core" }}'
    description: 'Add pods.'
- alert: UcwaProxyConnectionsNearLimit
  expr: ucwa_proxy_connections{ {{- .self }},side="client"} > {{ mulf .t.nearLimit .maxConnections }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "{{ $labels.instance }} has {{ $value }} client connections" }}'
    description: 'Beyond limits.maxConnections ({{ .maxConnections }}) new ones are closed. Add pods.'
- alert: UcwaProxyQueueNearLimit
  expr: ucwa_proxy_held_calls{ {{- .self }}} + ucwa_proxy_outstanding_calls{ {{- .self }}} > {{ mulf .t.nearLimit .maxQueued }}
  for: {{ .for }}
  labels: { severity: warning }
  annotations:
    summary: '{{ "{{ $value }} calls wait in {{ $labels.instance }}" }}'
    description: 'Beyond limits.maxQueuedCalls ({{ .maxQueued }}) calls are refused with 503.'
{{- end -}}
