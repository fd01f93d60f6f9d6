/** Rules for single parts of a batch. A part that breaks a rule gets an error, and does not run. */
import { headerValues } from '../representation/headers.ts';
import type { ReceivedPart } from '../pool/request-log.ts';
import { failed, type Outcome } from '../representation/outcome.ts';
import { locate, type Place } from '../pool/target.ts';

/** Resources that a batch must not contain (UCWA documentation, batching requests). */
const neverBatched: ReadonlySet<string> = new Set(['batch', 'events', 'photos']);

type ApplicationPlace = Extract<Place, { kind: 'application' }>;

function refuse(status: 400 | 403, why: string): Outcome {
  return failed(status, undefined, `A part of a batch ${why}.`);
}

/**
 * Returns the place of a part's target, or the answer to a part that breaks a rule:
 *
 * - 400 for a target that is not in origin-form, for a credential in the part, and for no Host or two
 * - 403 for another application than that of the batch, and for a resource that is never batched
 * - 403 for another host than `batchHost`; undefined allows any host. Real traffic does not show this rule.
 */
export function checkPart(
  part: ReceivedPart,
  batch: ApplicationPlace,
  batchHost: string | undefined,
): ApplicationPlace | Outcome {
  const { target, headers } = part;
  if (!target.startsWith('/')) return refuse(400, 'has no target in origin-form');
  for (const name of ['authorization', 'x-ms-webticket']) {
    if (headerValues(headers, name).length > 0) return refuse(400, 'has a credential of its own');
  }
  const hosts = headerValues(headers, 'host');
  if (hosts.length !== 1) return refuse(400, 'needs one Host');
  if (batchHost !== undefined && hosts[0]?.toLowerCase() !== batchHost.toLowerCase()) {
    return refuse(403, 'names another host');
  }
  const place = locate(target);
  if (place.kind !== 'application' || place.base !== batch.base) {
    return refuse(403, 'belongs to the application of the batch');
  }
  const [first = ''] = place.path;
  if (neverBatched.has(first.toLowerCase())) return refuse(403, `is not for ${first}`);
  return place;
}
