/** Reads and replaces editable resources. */
import { type Call, inputOf, listInputOf } from './call.ts';
import { namesEtag } from '../representation/answer.ts';
import { headerValue } from '../representation/headers.ts';
import { failed, found, type Outcome } from '../representation/outcome.ts';
import type { Editable } from '../pool/editable.ts';
import type { Pool } from '../pool/pool.ts';
import type { Resource, Value } from '../representation/resource.ts';

/** Value that a client must send back in a PUT (UCWA documentation, PUT requests). */
const passBack = 'please pass this in a PUT request';

/** Returns a resource with the etag and the property to pass back, which comes first in JSON. */
export function editableResource(
  resource: Omit<Resource, 'properties' | 'etag'>,
  { etag, token, properties }: Editable,
): Resource {
  return { ...resource, properties: { [token]: passBack, ...properties }, etag };
}

/** Returns the input of a PUT or POST for the properties that a resource has. */
export function propertiesOf(
  call: Call,
  properties: Readonly<Record<string, Value>>,
): Record<string, Value> {
  const given = Object.entries(properties).map(([name, known]): [string, Value] => [
    name,
    (Array.isArray(known) ? listInputOf(call, name) : inputOf(call, name)) ?? known,
  ]);
  return Object.fromEntries(given);
}

/**
 * Handles PUT. It needs the etag in `If-Match`, and the property to pass back.
 *
 * @param write stores the new state, and returns its resource
 */
export function putEditable(
  pool: Pool,
  call: Call,
  editable: Editable,
  write: (next: Editable) => Resource,
): Outcome {
  const condition = headerValue(call.headers, 'if-match');
  if (condition === undefined) return failed(428);
  if (!namesEtag(condition, editable.etag)) return failed(412);
  if (inputOf(call, editable.token) !== passBack) return failed(400, 'ParameterValidationFailure');
  return found(write(pool.newEditable(propertiesOf(call, editable.properties))));
}
