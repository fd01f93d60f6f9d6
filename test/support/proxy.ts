import { setTimeout as delay } from 'node:timers/promises';
import { startApp, type App, type AppParts } from '../../src/app/app.ts';
import { createLog } from '../../src/log/log.ts';
import { loadServeSettings } from '../../src/settings/load-settings.ts';
import { assertNothingShown } from './canaries.ts';
import { onCleanup } from './cleanup.ts';
import { readAdmin, readMetrics, type MetricValues } from './metric-values.ts';

export interface TestProxy extends App {
  readonly url: string;
  readonly port: number;
  /** The log lines as written. */
  readonly log: readonly string[];
  /** Resolves when a log line matches. */
  untilLogged(line: RegExp): Promise<void>;
  metrics(): Promise<MetricValues>;
  /** Resolves when a metric, given as `name{label="value"}`, satisfies the condition. */
  untilMetric(series: string, condition: (value: number) => boolean): Promise<void>;
}

/** Bounds of the pause between two readings of the metrics. A reading takes the proxy some ms. */
const minPauseMs = 2;
const maxPauseMs = 32;

/**
 * Starts the whole proxy on free ports, in front of that pool. `env` contains settings as
 * environment variables.
 */
export function startProxy(
  poolUrl: string,
  env: Readonly<Record<string, string>> = {},
  parts: TestParts = {},
): Promise<TestProxy> {
  return start({ upstream: poolUrl }, '', env, parts);
}

/** Starts the whole proxy on free ports, with the settings of a file with this text. */
export function startProxyFrom(
  file: string,
  env: Readonly<Record<string, string>> = {},
  parts: TestParts = {},
): Promise<TestProxy> {
  return start({ config: 'proxy.yaml' }, file, env, parts);
}

type TestParts = Pick<AppParts, 'tlsCheckEveryMs' | 'poolChecks'> & {
  readonly userHashKey?: Buffer;
};

async function start(
  flags: Readonly<Record<string, string>>,
  file: string,
  env: Readonly<Record<string, string>>,
  { userHashKey, ...parts }: TestParts,
): Promise<TestProxy> {
  const loaded = loadServeSettings({
    flags: { ...flags, listen: '127.0.0.1:0', admin: '127.0.0.1:0' },
    env: { UCWA_PROXY_DRAIN_DELAY_MS: '0', UCWA_PROXY_LOG_ACCESS: 'all', ...env },
    readFile: () => file,
  });
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  const lines: string[] = [];
  let wake: () => void = () => undefined;
  const write = (line: string): void => {
    lines.push(line);
    wake();
  };
  const log = createLog({ ...loaded.settings.log, userHashKey }, { write });
  const app = await startApp(loaded.settings, { log, version: '0.0.0-test', ...parts });
  onCleanup(async () => {
    const page = await readAdmin(app.ports.admin, '/metrics').catch(() => undefined);
    // No client waits for a final response any more.
    await app.abort(0);
    assertNothingShown('the log', lines);
    assertNothingShown('/metrics', [page?.body ?? '']);
  });
  const metrics = (): Promise<MetricValues> => readMetrics(app.ports.admin);
  return {
    ...app,
    port: app.ports.listen,
    url: `http://127.0.0.1:${app.ports.listen}`,
    log: lines,
    async untilLogged(line) {
      while (!lines.some((written) => line.test(written))) {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    metrics,
    async untilMetric(series, condition) {
      let pauseMs = minPauseMs;
      while (!condition((await metrics()).get(series) ?? NaN)) {
        await delay(pauseMs);
        pauseMs = Math.min(2 * pauseMs, maxPauseMs);
      }
    },
  };
}
