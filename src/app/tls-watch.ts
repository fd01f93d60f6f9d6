import { readFileSync } from 'node:fs';
import type { Log } from '../log/log.ts';
import type { PoolTls } from '../upstream/pool-connector.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import type { ListenTls } from '../listen/http-server.ts';
import { poolsOf } from '../settings/pools.ts';
import { mainPair, type readTlsFiles } from '../settings/tls-files.ts';
import { TlsRenewal } from '../settings/tls-renewal.ts';

export interface TlsWatch {
  readonly listen: { readonly current: ListenTls };
  /** The files for each pool, in the order of `poolsOf`. */
  readonly pools: ReadonlyArray<() => PoolTls>;
  check(): void;
}

/**
 * Loads the TLS files for clients and for the pools. `check` reads them again, and logs a replacement.
 * `listenRenewed` is called after the files for clients were replaced.
 */
export function watchTls(settings: ServeSettings, log: Log, listenRenewed: () => void): TlsWatch {
  const { listen } = settings;
  const side = (name: string, paths: Parameters<typeof readTlsFiles>[0], then: () => void) =>
    new TlsRenewal(paths, readFileSync, {
      renewed() {
        log.info('TLS files were replaced', { side: name });
        then();
      },
      unusable: (reason) => log.warn('replaced TLS files cannot be used', { side: name, reason }),
    });
  const main = side('listen', mainPair(listen.tls), listenRenewed);
  const further = listen.tls.certs.map((pair) => side('listen', pair, listenRenewed));
  const ofPools = poolsOf(settings).map(({ name, tls }) => {
    const named = (): PoolTls => ({ ...renewal.current, servername: tls.servername });
    const renewal = side(name === '' ? 'upstream' : name, tls, () => (current = named()));
    let current = named();
    return { renewal, current: () => current };
  });
  return {
    listen: {
      get current() {
        return { ...main.current, more: further.map(({ current }) => current) };
      },
    },
    pools: ofPools.map(({ current }) => current),
    check() {
      for (const { renewal } of ofPools) renewal.check();
      for (const renewal of [main, ...further]) renewal.check();
    },
  };
}
