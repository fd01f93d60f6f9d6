import { Counter, type Registry } from 'prom-client';
import { unchangedReasons } from '../core/links/link-rewriting.ts';
import { linkKinds } from '../core/ucwa/links.ts';
import type { ListenObserver } from '../listen/observer.ts';

type LinkMetrics = Pick<ListenObserver, 'linkRewritten' | 'linkLeft' | 'linksUnchanged'>;

export function createLinkMetrics(registers: Registry[]): LinkMetrics {
  const links = new Counter({
    name: 'ucwa_proxy_rewritten_links_total',
    help:
      'Links to the pool that got the address by which the client reached the proxy, by their place. ' +
      'left: links to a name that is not configured. unchanged: answers with links that the proxy could not rewrite.',
    labelNames: ['kind'],
    registers,
  });
  for (const kind of linkKinds) {
    links.inc({ kind }, 0);
    links.inc({ kind: `left_${kind}` }, 0);
  }
  for (const reason of unchangedReasons) links.inc({ kind: `unchanged_${reason}` }, 0);
  return {
    linkRewritten: (kind) => links.inc({ kind }),
    linkLeft: (kind) => links.inc({ kind: `left_${kind}` }),
    linksUnchanged: (reason) => links.inc({ kind: `unchanged_${reason}` }),
  };
}
