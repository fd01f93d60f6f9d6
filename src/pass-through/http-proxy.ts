/**
 * Loads http-proxy without the warning DEP0060, which Node >= 22 prints (http-party/node-http-proxy#1715).
 * http-proxy reads the deprecated `util._extend` when it loads, and calls it for each request. While http-proxy
 * loads, this module replaces `util._extend` by `Object.assign`, and then restores it.
 */
import util from 'node:util';

const deprecated: unknown = Reflect.get(util, '_extend');
Reflect.set(util, '_extend', Object.assign);
export const { default: HttpProxy } = await import('http-proxy');
Reflect.set(util, '_extend', deprecated);
