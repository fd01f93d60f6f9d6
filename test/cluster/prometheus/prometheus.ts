/**
 * A real Prometheus that scrapes the proxies every second and evaluates the chart's rules twice per
 * second.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { onCleanup } from '../../support/cleanup.ts';
import { freePort } from '../../support/free-port.js';
import { startService, until } from '../support/processes.ts';

/** Interval of the evaluation of the rules. */
export const evaluatedEveryMs = 500;

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Prometheus {
  readonly #url: string;

  /**
   * @param adminPorts of the proxies
   * @param rules text of a rules file
   */
  static async start(adminPorts: readonly number[], rules: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'ucwa-prometheus-'));
    const port = await freePort();
    writeFileSync(join(folder, 'rules.yaml'), rules);
    const labels = { namespace: 'ucwa' };
    const config = {
      global: {
        scrape_interval: '1s',
        scrape_timeout: '1s',
        evaluation_interval: `${evaluatedEveryMs}ms`,
      },
      rule_files: [join(folder, 'rules.yaml')],
      scrape_configs: [
        {
          job_name: 'ucwa-ucwa-batch-proxy-admin',
          static_configs: [{ targets: adminPorts.map((admin) => `127.0.0.1:${admin}`), labels }],
        },
      ],
    };
    const file = join(folder, 'prometheus.yaml');
    writeFileSync(file, stringify(config));
    const service = startService('prometheus', [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ]);
    onCleanup(async () => {
      await service.stop();
      rmSync(folder, { recursive: true });
    });
    const prometheus = new Prometheus(`http://127.0.0.1:${port}`);
    const isReady = () =>
      fetch(`${prometheus.#url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(isReady, Boolean);
    return prometheus;
  }

  private constructor(url: string) {
    this.#url = url;
  }

  /** Runs an instant query for the current time. */
  async query(expr: string): Promise<readonly Sample[]> {
    const url = `${this.#url}/api/v1/query?query=${encodeURIComponent(expr)}`;
    const answer = (await (await fetch(url)).json()) as {
      data: { result: ReadonlyArray<{ metric: Record<string, string>; value: [number, string] }> };
    };
    return answer.data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  /** The single value of an expression, or NaN. */
  async value(expr: string): Promise<number> {
    return (await this.query(expr))[0]?.value ?? NaN;
  }

  /** Names of the alerts that fire. */
  async firing(): Promise<readonly string[]> {
    const alerts = await this.query('ALERTS{alertstate="firing"}');
    return [...new Set(alerts.map(({ metric }) => metric['alertname'] ?? ''))].sort();
  }
}
