import { Child } from './child.js';

/** @typedef {(...given: Parameters<typeof Child.start>) => Promise<Child>} Start */

/**
 * @template T
 * @param {(start: Start) => Promise<T>} work
 * @returns {Promise<T>} settles when all started children have exited
 */
export async function withChildren(work) {
  /** @type {Child[]} */
  const children = [];
  try {
    return await work(async (...given) => {
      const child = await Child.start(...given);
      children.push(child);
      return child;
    });
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}
