import { readFileSync } from 'node:fs';
import type { Log } from '../log/log.ts';
import type { PoolTls } from '../upstream/pool-connector.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import { TlsRenewal } from '../settings/tls-renewal.ts';

export interface TlsWatch {
  readonly listen: TlsRenewal;
  readonly upstream: () => PoolTls;
  check(): void;
}

/**
 * Loads the TLS files for clients and for the pool. `check` reads them again, and logs a replacement.
 * `listenRenewed` is called after the files for clients were replaced.
 */
export function watchTls(
  { listen, upstream }: ServeSettings,
  log: Log,
  listenRenewed: () => void,
): TlsWatch {
  const side = (name: string, paths: typeof upstream.tls | typeof listen.tls, then: () => void) =>
    new TlsRenewal(paths, readFileSync, {
      renewed() {
        log.info('TLS files were replaced', { side: name });
        then();
      },
      unusable: (reason) => log.warn('replaced TLS files cannot be used', { side: name, reason }),
    });
  const { servername } = upstream.tls;
  const named = (): PoolTls => ({ ...ofPool.current, servername });
  const ofPool = side('upstream', upstream.tls, () => (pool = named()));
  const ofListener = side('listen', listen.tls, listenRenewed);
  let pool = named();
  return {
    listen: ofListener,
    upstream: () => pool,
    check() {
      ofPool.check();
      ofListener.check();
    },
  };
}
