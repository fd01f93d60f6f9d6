/**
 * The only file of this folder that the scheduler and the engine may import; lint enforces this. To them, a
 * batch key is a value to compare, and a route is a name.
 */
export { type BatchKey, sameKey } from './batch-key.ts';
export { batchTarget, envelopeHeaders } from './envelope.ts';
export {
  coded,
  isRefusal,
  interpretBatchResponse,
  interpretSharedResponse,
  refused,
  type Interpretation,
} from './interpret-response.ts';
export { routeTemplate } from './route-template.ts';
export { contradicts } from './self-link.ts';
