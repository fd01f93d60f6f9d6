/**
 * Loads http-proxy without DEP0060. It keeps the `util._extend` that it finds when it is loaded, and
 * calls it for each request, for which Node >= 22 prints a warning
 * (http-party/node-http-proxy#1715). So it gets to see Object.assign() there, and nobody else does.
 */
import util from 'node:util';

const deprecated: unknown = Reflect.get(util, '_extend');
Reflect.set(util, '_extend', Object.assign);
export const { default: HttpProxy } = await import('http-proxy');
Reflect.set(util, '_extend', deprecated);
