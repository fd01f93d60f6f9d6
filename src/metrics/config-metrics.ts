/** Metrics of the settings in force. They are read at each scrape. */
import { Gauge, type Registry } from 'prom-client';

export interface ConfigSource {
  /** Hexadecimal digits, at most 13. */
  readonly hash: string;
  /** In ms since 1970. */
  readonly loadedMs: number;
  readonly lastReload: { readonly problems: readonly string[] };
}

export function createConfigMetrics(registers: Registry[], source: ConfigSource): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `ucwa_proxy_config_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge(
    'last_reload_successful',
    'Whether the settings were valid when the proxy last read them. 0: they were refused, and the former ones are ' +
      'in force. Normal is 1.',
    () => (source.lastReload.problems.length === 0 ? 1 : 0),
  );
  gauge(
    'last_reload_success_timestamp_seconds',
    'Time when the proxy last read valid settings, in seconds since 1970.',
    () => source.loadedMs / 1000,
  );
  gauge(
    'hash',
    'Hash of the settings in force, as a number. Proxies with the same settings have the same hash.',
    () => parseInt(source.hash, 16),
  );
}
