import { PoolNames } from '../../src/core/admit/pool-names.ts';

/** The names of a single pool that takes every name. */
export const onePool = (authority = 'pool'): PoolNames =>
  new PoolNames([{ name: '', hosts: [], authority }]);
