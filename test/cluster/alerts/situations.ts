/** For every alert: series for which it must fire, and similar series for which it must not. */
import { selfLabels } from './rules.ts';

/** Values one minute apart, in promtool's notation, by series. */
export type Series = Readonly<Record<string, string>>;

export interface Situation {
  readonly alert: string;
  readonly fires: Series;
  readonly quiet: Readonly<Record<string, Series>>;
  /** The minute of the check. The default is 25. */
  readonly minute?: number;
}

const one = (metric: string, labels = '', instance = 'a'): string =>
  `${metric}{${selfLabels},instance="${instance}"${labels === '' ? '' : `,${labels}`}}`;
const calls = (code: string, via = 'batch') =>
  one('ucwa_proxy_calls_total', `via="${via}",code="${code}"`);
const limit = (name: string) => one('ucwa_proxy_limit', `limit="${name}"`);
const answers = (code: string, kind = 'batch') =>
  one('ucwa_proxy_upstream_responses_total', `kind="${kind}",code="${code}"`);
const repeats = (outcome: string) =>
  one('ucwa_proxy_repeats_total', `reason="unknown",outcome="${outcome}"`);
const buckets = (
  metric: string,
  labels: string,
  counts: Readonly<Record<string, string>>,
): Series =>
  Object.fromEntries(
    Object.entries(counts).map(([le, values]) => [
      one(`${metric}_bucket`, `${labels === '' ? '' : `${labels},`}le="${le}"`),
      values,
    ]),
  );

/** Seven hours with two proxies. The series may change after six hours. */
const twoProxies = (users: string, sent: string): Series => ({
  [one('ucwa_proxy_build_info')]: '1x420',
  [one('ucwa_proxy_build_info', '', 'b')]: '1x420',
  [calls('200')]: '0+600x420',
  [answers('200')]: sent,
  [one('ucwa_proxy_users', 'state="idle"')]: users,
});
const savesHalf = '0+300x420';
const savesLittle = '0+300x360 108540+540x60';

export const situations: readonly Situation[] = [
  {
    alert: 'UcwaProxyDown',
    fires: { [one('up')]: '0x30', [one('up', '', 'b')]: '1x30' },
    quiet: {
      'all pods are away, which is another alert': { [one('up')]: '0x30' },
      'it answers': { [one('up')]: '1x30' },
      'a short gap': { [one('up')]: '1x20 0x3 1x10' },
    },
  },
  {
    alert: 'UcwaProxyAbsent',
    fires: { [one('up')]: '0x30' },
    quiet: { 'one is there': { [one('ucwa_proxy_build_info')]: '1x30' } },
  },
  {
    alert: 'UcwaProxyRestarts',
    fires: { [one('process_start_time_seconds')]: '1x3 2x3 3x3 4x3 5x30' },
    quiet: { 'one rollout': { [one('process_start_time_seconds')]: '1x10 2x30' } },
  },
  {
    alert: 'UcwaProxySettingsRefused',
    fires: { [one('ucwa_proxy_config_last_reload_successful')]: '1x5 0x30' },
    quiet: {
      'soon corrected': { [one('ucwa_proxy_config_last_reload_successful')]: '1x20 0x3 1x10' },
    },
  },
  {
    alert: 'UcwaProxyAffinityLost',
    minute: 400,
    fires: twoProxies('100x360 200x60', savesLittle),
    quiet: {
      'all is as ever': twoProxies('100x420', savesHalf),
      'calls rarely meet, but users stay where they are': twoProxies('100x420', savesLittle),
      'more users come, and batches are as ever': twoProxies('100x360 200x60', savesHalf),
      'there is one proxy only': Object.fromEntries(
        Object.entries(twoProxies('100x360 200x60', savesLittle)).filter(
          ([series]) => !series.includes('instance="b"'),
        ),
      ),
    },
  },
  {
    alert: 'UcwaProxyHoldTooLong',
    fires: buckets('ucwa_proxy_hold_seconds', '', {
      '0.05': '0x30',
      '0.1': '0+60x30',
      '+Inf': '0+60x30',
    }),
    quiet: {
      'holds are as long as they may be': buckets('ucwa_proxy_hold_seconds', '', {
        '0.015': '0+60x30',
        '0.05': '0+60x30',
        '+Inf': '0+60x30',
      }),
    },
  },
  {
    alert: 'UcwaProxyQueueTooLong',
    fires: buckets('ucwa_proxy_queue_seconds', 'reason="limit"', {
      '0.25': '0x30',
      '1': '0+60x30',
      '+Inf': '0+60x30',
    }),
    quiet: {
      'waits are short': buckets('ucwa_proxy_queue_seconds', 'reason="limit"', {
        '0.25': '0+60x30',
        '1': '0+60x30',
        '+Inf': '0+60x30',
      }),
      'writes wait for each other': buckets('ucwa_proxy_queue_seconds', 'reason="order"', {
        '0.25': '0x30',
        '1': '0+60x30',
        '+Inf': '0+60x30',
      }),
    },
  },
  {
    alert: 'UcwaProxyCallsFail',
    fires: { [calls('504')]: '0+10x30', [calls('200')]: '0+90x30' },
    quiet: {
      'few fail': { [calls('504')]: '0+1x30', [calls('200')]: '0+99x30' },
      'nobody calls': { [calls('504')]: '5x30', [calls('200')]: '5x30' },
      'clients ask for missing resources': { [calls('404')]: '0+50x30', [calls('200')]: '0+50x30' },
    },
  },
  {
    alert: 'UcwaProxyCallsRefused',
    fires: {
      [one('ucwa_proxy_refused_total', 'reason="host"')]: '0+5x30',
      [calls('200')]: '0+95x30',
      [calls('400', 'refused')]: '0+5x30',
    },
    quiet: {
      'a stray one': {
        [one('ucwa_proxy_refused_total', 'reason="host"')]: '0x10 1x30',
        [calls('200')]: '0+95x30',
      },
    },
  },
  {
    alert: 'UcwaProxyPoolRefuses',
    fires: { [answers('429')]: '0+10x30', [answers('200')]: '0+90x30' },
    quiet: {
      'a probe now and then': { [answers('429')]: '0+1x30', [answers('200')]: '0+99x30' },
      'passed-through answers do not count': {
        [answers('429', 'passthrough')]: '0+50x30',
        [answers('200')]: '0+50x30',
      },
    },
  },
  {
    alert: 'UcwaProxyClientsSee429',
    fires: { [calls('429')]: '0+5x30', [calls('200')]: '0+95x30' },
    quiet: { 'none do': { [calls('429')]: '0x30', [calls('200')]: '0+95x30' } },
  },
  {
    alert: 'UcwaProxySplitsWithoutRelief',
    fires: {
      [one('ucwa_proxy_429_splits_total', 'depth="1"')]: '0+4x30',
      [one('ucwa_proxy_429_splits_total', 'depth="4+"')]: '0+4x30',
    },
    quiet: {
      'pieces are taken': {
        [one('ucwa_proxy_429_splits_total', 'depth="1"')]: '0+9x30',
        [one('ucwa_proxy_429_splits_total', 'depth="3"')]: '0+1x30',
      },
      'nothing is split': {
        [one('ucwa_proxy_429_splits_total', 'depth="1"')]: '9x30',
        [one('ucwa_proxy_429_splits_total', 'depth="4+"')]: '9x30',
      },
    },
  },
  {
    alert: 'UcwaProxyLimitLow',
    fires: buckets('ucwa_proxy_learned_limit', '', {
      '1': '0+3x30',
      '2': '0+6x30',
      '+Inf': '0+7x30',
    }),
    quiet: {
      'one user among many': buckets('ucwa_proxy_learned_limit', '', {
        '2': '0+1x30',
        '10': '0+9x30',
        '+Inf': '0+9x30',
      }),
      'nothing is learnt any more': buckets('ucwa_proxy_learned_limit', '', {
        '2': '9x30',
        '+Inf': '9x30',
      }),
    },
  },
  {
    alert: 'UcwaProxyRepeatsDenied',
    fires: { [repeats('denied')]: '0+5x30', [repeats('answered')]: '0+20x30' },
    quiet: {
      'nearly all are sent again': {
        [repeats('denied')]: '0+1x30',
        [repeats('answered')]: '0+20x30',
      },
      'it is over': { [repeats('denied')]: '50x30', [repeats('answered')]: '50x30' },
    },
  },
  {
    alert: 'UcwaProxyStuck',
    fires: { [one('ucwa_proxy_outstanding_calls')]: '3x30', [answers('200')]: '7x30' },
    quiet: {
      'answers come': { [one('ucwa_proxy_outstanding_calls')]: '3x30', [answers('200')]: '0+1x30' },
      'nobody asks': { [one('ucwa_proxy_outstanding_calls')]: '0x30', [answers('200')]: '7x30' },
    },
  },
  {
    alert: 'UcwaProxyProtocolErrors',
    minute: 22,
    fires: { [one('ucwa_proxy_protocol_errors_total', 'kind="fewer_parts"')]: '0x20 1x10' },
    quiet: {
      'long ago': { [one('ucwa_proxy_protocol_errors_total', 'kind="fewer_parts"')]: '0x5 1x30' },
    },
  },
  {
    alert: 'UcwaProxyPromiseBroken',
    minute: 22,
    fires: { [one('ucwa_proxy_invariant_violations_total', 'invariant="one_key"')]: '0x20 1x10' },
    quiet: {
      'all is kept': {
        [one('ucwa_proxy_invariant_violations_total', 'invariant="one_key"')]: '0x30',
      },
      'it was long ago': {
        [one('ucwa_proxy_invariant_violations_total', 'invariant="one_key"')]: '0x5 1x30',
      },
    },
  },
  {
    alert: 'UcwaProxyBatchesLate',
    fires: {
      [one('ucwa_proxy_late_batches_total')]: '0+2x30',
      [one('ucwa_proxy_batches_total', 'flush_reason="idle"')]: '0+10x30',
    },
    quiet: {
      'few are': {
        [one('ucwa_proxy_late_batches_total')]: '0+1x30',
        [one('ucwa_proxy_batches_total', 'flush_reason="idle"')]: '0+100x30',
      },
    },
  },
  {
    alert: 'UcwaProxyEventLoopLate',
    fires: { [one('nodejs_eventloop_lag_p99_seconds')]: '0.5x30' },
    quiet: { 'it is on time': { [one('nodejs_eventloop_lag_p99_seconds')]: '0.02x30' } },
  },
  {
    alert: 'UcwaProxyCpuFull',
    fires: { [one('process_cpu_seconds_total')]: '0+54x30' },
    quiet: { 'half of it': { [one('process_cpu_seconds_total')]: '0+30x30' } },
  },
  {
    alert: 'UcwaProxyConnectionsNearLimit',
    fires: {
      [one('ucwa_proxy_connections', 'side="client"')]: '11000x30',
      [limit('maxConnections')]: '13120x30',
    },
    quiet: {
      few: {
        [one('ucwa_proxy_connections', 'side="client"')]: '1000x30',
        [limit('maxConnections')]: '13120x30',
      },
      'the pool has them': {
        [one('ucwa_proxy_connections', 'side="upstream"')]: '17000x30',
        [limit('maxConnections')]: '20000x30',
      },
      'another limit is lower': {
        [one('ucwa_proxy_connections', 'side="client"')]: '11000x30',
        [limit('maxConnections')]: '20000x30',
        [limit('maxLongPolls')]: '100x30',
      },
    },
  },
  {
    alert: 'UcwaProxyQueueNearLimit',
    fires: {
      [one('ucwa_proxy_held_calls')]: '5000x30',
      [one('ucwa_proxy_outstanding_calls')]: '4000x30',
      [limit('maxQueuedCalls')]: '10000x30',
    },
    quiet: {
      few: {
        [one('ucwa_proxy_held_calls')]: '10x30',
        [one('ucwa_proxy_outstanding_calls')]: '100x30',
        [limit('maxQueuedCalls')]: '10000x30',
      },
    },
  },
];
