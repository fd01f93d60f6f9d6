/** The setting of a pool that `listen.plain` needs to forward requests. */
import { z } from 'zod';
import { facts, origin } from './value-kinds.ts';

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
