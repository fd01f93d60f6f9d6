/**
 * Jest's environment for Node with an ordinary global object. The global object of Jest is a proxy. Each
 * look-up of `Map` or `Math` through the proxy costs about a microsecond, and the core makes many.
 */
import { constants, createContext } from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

/** A new context has its own; Node's modules make and check those of Node. */
const ofNode = new Set(['Buffer', 'ArrayBuffer', 'Uint8Array']);

export default class OrdinaryGlobalEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    const ordinary = createContext(constants.DONT_CONTEXTIFY);
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(this.global))) {
      if (!(name in ordinary) || ofNode.has(name)) Object.defineProperty(ordinary, name, property);
    }
    ordinary.global = ordinary;
    ordinary.Error.stackTraceLimit = this.global.Error.stackTraceLimit;
    const ModuleMocker = this.moduleMocker.constructor;
    this.moduleMocker = new ModuleMocker(ordinary);
    this.global = ordinary;
    this.context = ordinary;
  }
}
