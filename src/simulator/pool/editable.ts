/** Resources that PUT replaces. A PUT must name the etag, and pass back a property with a random name. */
import type { Value } from '../representation/resource.ts';

export interface Editable {
  readonly etag: string;
  /** Name of the property that a PUT must pass back. */
  readonly token: string;
  readonly properties: Readonly<Record<string, Value>>;
}
