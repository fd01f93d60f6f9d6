/** The page of the admin port: connects it with the proxy. */
import { setTimeout as delay } from 'node:timers/promises';
import type { AdminPage } from '../admin/admin-server.ts';
import type { ShadowOptions } from '../core/shadow/shadow.ts';
import { systemClock } from '../engine/clock.ts';
import { secret } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { loadPage, type PageDocument } from '../page/document.ts';
import { Feed } from '../page/feed.ts';
import type { PageWatch } from '../page/watch.ts';
import { readWhatIf, replayInSlices, WhatIfQueue, type WhatIfSettings } from '../page/what-if.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import type { Pools } from './pools.ts';
import type { Surroundings } from './surroundings.ts';
import type { Switches } from './switches.ts';

export interface Page extends AdminPage {
  stop(): void;
}

/** @param switches those of the admin port */
export function createPage(
  { live, watch, metrics, health, proof }: Surroundings,
  pools: Pools,
  switches: Pick<Switches, 'report'>,
  version: string,
): Page {
  const feed = new Feed({
    watch,
    now: systemClock.now,
    hello: () => ({ version, batching: batchingOf(live.current) }),
    facts: () => ({
      batching: batchingOf(live.current),
      switches: switches.report(),
      proof: proof.shown(),
      servers: serversOf(pools),
      health: health.lines(),
    }),
    isShowable(text) {
      if (!secret.test(text)) return true;
      metrics.violated('nothing_shown');
      return false;
    },
  });
  const queue = new WhatIfQueue();
  let document: PageDocument | undefined;
  const replay = (wanted: WhatIfSettings, isWanted: () => boolean) =>
    queue.run(async () => {
      const { traces } = watch;
      if (traces === undefined || !isWanted()) return undefined;
      const calls = traces.calls(systemClock.now());
      const clock = { now: systemClock.now, rest: (ms: number) => delay(ms), isWanted };
      return replayInSlices(calls, shadowOptions(live.current, wanted), clock);
    });
  return {
    // Read at the first request, because a start must not depend on it.
    document: () => (document ??= loadPage()),
    subscribe: (response, head) => feed.subscribe(response, head),
    async whatIf(query, isWanted) {
      const wanted = readWhatIf(query);
      if (wanted === undefined) return { status: 400, value: { error: 'not these settings' } };
      if (watch.traces === undefined)
        return { status: 409, value: { error: 'nothing is recorded while no page is open' } };
      const result = await replay(wanted, isWanted);
      return result === undefined
        ? { status: 503, value: { error: 'another replay runs' } }
        : { status: 200, value: result };
    },
    stop: () => feed.stop(),
  };
}

/** Adds the page to those that learn of refusals and splits. */
export function watchedMetrics(metrics: Metrics, watch: PageWatch): Metrics {
  const { engine, listen } = metrics;
  return {
    ...metrics,
    engine: {
      ...engine,
      split(depth, sizes) {
        engine.split(depth, sizes);
        watch.split();
      },
    },
    listen: {
      ...listen,
      refused(reason) {
        listen.refused(reason);
        watch.refused(reason);
      },
    },
  };
}

function batchingOf({ batching }: ServeSettings): object {
  const { mode, lingerMaxMs, maxParts, exchangeRateMs } = batching;
  return { mode, lingerMaxMs, maxParts, exchangeRateMs };
}

/** The servers of all pools. A pool of one server has no report of its own. */
function serversOf(pools: Pools): object[] {
  return pools.all.flatMap(({ settings, servers }): object[] => {
    if (servers !== undefined)
      return servers.report().map((report) => ({ pool: settings.name, ...report }));
    return settings.servers.map((server) => ({ pool: settings.name, server, state: 'only' }));
  });
}

function shadowOptions(
  { batching, limits, upstream }: ServeSettings,
  wanted: WhatIfSettings,
): ShadowOptions {
  const mode = batching.mode === 'fixed' ? 'fixed' : 'adaptive';
  return {
    policy: { ...batching, ...limits, ...wanted, mode, timeoutMs: upstream.timeoutMs },
    maxInFlightPerUser: batching.maxInFlightPerUser,
    maxConnections: upstream.maxConnections,
  };
}
