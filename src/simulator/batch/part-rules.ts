/** What a part of a batch must not be: each such part is refused by itself, and does not run. */
import { headerValues } from '../representation/headers.ts';
import type { ReceivedPart } from '../pool/request-log.ts';
import { failed, type Outcome } from '../representation/outcome.ts';
import { locate, type Place } from '../pool/target.ts';

/** Resources that no batch may contain (UCWA documentation, batching requests). */
const neverBatched: ReadonlySet<string> = new Set(['batch', 'events', 'photos']);

type ApplicationPlace = Extract<Place, { kind: 'application' }>;

function refuse(status: 400 | 403, why: string): Outcome {
  return failed(status, undefined, `A part of a batch ${why}.`);
}

/**
 * Where a part leads, or why it is refused: 400 for an absolute-form target, a credential of its
 * own or not exactly one Host; 403 for another host or application than the batch's, and for what
 * cannot be batched.
 */
export function judgePart(
  part: ReceivedPart,
  batch: ApplicationPlace,
  batchHost: string,
): ApplicationPlace | Outcome {
  const { target, headers } = part;
  if (!target.startsWith('/')) return refuse(400, 'has no target in origin-form');
  for (const name of ['authorization', 'x-ms-webticket']) {
    if (headerValues(headers, name).length > 0) return refuse(400, 'has a credential of its own');
  }
  const hosts = headerValues(headers, 'host');
  if (hosts.length !== 1) return refuse(400, 'needs one Host');
  if (hosts[0]?.toLowerCase() !== batchHost.toLowerCase()) return refuse(403, 'names another host');
  const place = locate(target);
  if (place.kind !== 'application' || place.base !== batch.base) {
    return refuse(403, 'belongs to the application of the batch');
  }
  const [first = ''] = place.path;
  if (neverBatched.has(first.toLowerCase())) return refuse(403, `is not for ${first}`);
  return place;
}
