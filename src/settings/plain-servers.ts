/** The setting of a pool that `listen.plain` needs to forward requests, and the limit that it implies. */
import * as z from 'zod';
import { facts, origin } from './value-kinds.ts';

/** Share of the connections to the pool that each plain server gets. */
const connectionShare = 1 / 4;

/** @param maxConnections the limit of the pool */
export function plainServerConnections(maxConnections: number): number {
  return Math.ceil(maxConnections * connectionShare);
}

/** Fields for the object of a pool. */
export const plainServerFields = {
  plainServers: z
    .array(
      origin()
        .refine((text) => text.startsWith('http:'))
        .register(facts, { accepts: 'an origin such as http://pool.example.com:8080' }),
    )
    .register(facts, {
      accepts: 'a list of origins such as [http://pool.example.com:8080]',
      placeholder: 'URL,...',
    })
    .prefault([])
    .describe(
      'servers of the pool for plain HTTP; requests to listen.plain pass through to them, ' +
        'instead of a redirect to https',
    ),
};
