/** A real OpenTelemetry collector. `.ci/cluster prepare` builds it from its Go modules. */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from '@jest/globals';
import { onCleanup } from '../../support/cleanup.ts';
import { readOtlp, type SeenSpan } from '../../support/collector.ts';
import { freePort } from '../../support/free-port.js';
import { clusterFolder, startService, until } from '../support/processes.ts';

const program = join(clusterFolder, 'collector');

/** `test` if the collector is built, and in CI, where the test fails without it. */
export const testWithCollector =
  existsSync(program) || process.env['CI'] === 'true' ? test : test.skip;

export class RealCollector {
  /** The spans that the collector took, in its own words. */
  readonly spans: SeenSpan[] = [];
  resource: Readonly<Record<string, unknown>> = {};
  readonly stop: () => Promise<void>;
  readonly #port: number;

  /** @param port that of a collector that was stopped; otherwise a free one */
  static async start(port?: number): Promise<RealCollector> {
    const collector = new RealCollector(port ?? (await freePort()));
    await until(() => isOpen(collector.#port), Boolean);
    return collector;
  }

  private constructor(port: number) {
    this.#port = port;
    const config = {
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
      exporters: { lines: {} },
      service: {
        pipelines: { traces: { receivers: ['otlp'], exporters: ['lines'] } },
      },
    };
    const service = startService(program, [`--config=yaml:${JSON.stringify(config)}`]);
    createInterface(service.child.stdout!).on('line', (line) => {
      const { spans, resource } = readOtlp(line);
      this.spans.push(...spans);
      this.resource = resource;
    });
    let stopped: Promise<void> | undefined;
    this.stop = () => (stopped ??= service.stop());
    onCleanup(this.stop);
  }

  get port(): number {
    return this.#port;
  }

  /** The address without a path. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Returns all spans when the collector has taken at least this number of them. */
  async taken(count: number): Promise<readonly SeenSpan[]> {
    return until(
      () => this.spans,
      ({ length }) => length >= count,
    );
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
