/* The sentence, and the lists of users, routes, servers and calls. */

/**
 * @typedef {object} Totals
 * @property {number} calls
 * @property {number} batches
 * @property {number} singles
 * @property {number} passedThrough
 * @property {number} parts
 * @property {number} refused
 * @property {number} refusedByPool
 * @property {number} splits
 *
 * @typedef {object} Effect
 * @property {number} callsPerS
 * @property {number} requestsPerS
 * @property {number} waited
 * @property {number} waitMs
 * @property {number} waitP95Ms
 *
 * @typedef {object} TapRow
 * @property {string} method
 * @property {string} route
 * @property {string} via
 * @property {number} status
 * @property {number} tookMs
 * @property {string} user
 * @property {string} explain
 * @property {string} reason
 */

/**
 * @param {Effect} effect
 * @param {Totals} totals
 * @param {number} watchedMs
 */
function showEffect(effect, totals, watchedMs) {
  const perS = (/** @type {number} */ rate) => number(rate, rate < 10 ? 1 : 0);
  const { callsPerS, requestsPerS, waited, waitMs, waitP95Ms } = effect;
  const rates = `${perS(callsPerS)} calls/s in, ${perS(requestsPerS)} requests/s to the pool`;
  const waits = `a caller waits ${number(waitMs, 1)} ms more, p95 ${number(waitP95Ms, 1)}`;
  setText(byId('sentence'), waited === 0 ? `${rates}.` : `${rates}; ${waits}.`);
  const { calls, batches, singles, passedThrough, parts, refused, refusedByPool, splits } = totals;
  const facts = [
    ['calls', calls],
    ['batches', batches],
    ['parts in them', parts],
    ['single requests', singles],
    ['passed through', passedThrough],
    ['refused here', refused],
    ['refused by the pool', refusedByPool],
    ['splits', splits],
  ];
  const listed = facts
    .map(([name, count]) => `${number(Number(count))} ${String(name)}`)
    .join(', ');
  setText(byId('totals'), `In ${number(watchedMs / 1000)} s since the page was opened: ${listed}.`);
}

/**
 * @param {string} mode
 * @param {ReadonlyArray<{ readonly setting: string, readonly value: string, readonly until: string }>} switches
 */
function showSettings(mode, switches) {
  setText(byId('mode'), `batching ${mode}`);
  showItems(
    'switches',
    switches.map(({ setting, value, until }) => `Switched: ${setting} ${value} until ${until}`),
  );
}

/**
 * @param {{ readonly parity: string, readonly holdout: ReadonlyArray<readonly string[]>,
 *   readonly unbatched: ReadonlyArray<readonly [route: string, reason: string]> }} proof
 */
function showProof({ parity, holdout, unbatched }) {
  byId('proof').hidden = parity === '' && holdout.length === 0 && unbatched.length === 0;
  setText(byId('parity'), parity === '' ? '' : `Parity: ${parity}.`);
  byId('holdout').hidden = holdout.length === 0;
  showRows(
    'holdout-rows',
    holdout.map((cells) => cells.map((text) => (text === '' ? 'unknown' : text))),
  );
  showItems(
    'unbatched',
    unbatched.map(([route, reason]) => `${route} left batches: ${reason}`),
  );
}

/**
 * @param {string} id of the list
 * @param {readonly string[]} texts
 */
function showItems(id, texts) {
  const list = byId(id);
  resize(list, texts.length, () => newElement('li'));
  texts.forEach((text, place) => setText(/** @type {Element} */ (list.children[place]), text));
}

/**
 * @param {{ readonly known: number, readonly rows: ReadonlyArray<{ readonly user: string, readonly outstanding: number,
 *   readonly limit?: number, readonly isLimitMet: boolean, readonly pauseMs: number }> }} users
 */
function showUsers({ known, rows }) {
  setText(byId('known'), known > rows.length ? `${rows.length} of ${number(known)}` : '');
  showRows(
    'user-rows',
    rows.map(({ user, outstanding, limit, isLimitMet, pauseMs }) => [
      user,
      number(outstanding),
      limit === undefined ? '' : `${number(limit)}${isLimitMet ? '' : ', not met'}`,
      pauseMs > 0 ? milliseconds(pauseMs) : '',
    ]),
  );
}

/**
 * @param {ReadonlyArray<{ readonly route: string, readonly calls: number, readonly p50Ms: number,
 *   readonly p95Ms: number, readonly lane: string }>} routes
 */
function showRoutes(routes) {
  showRows(
    'route-rows',
    routes.map(({ route, calls, p50Ms, p95Ms, lane }) => [
      route,
      number(calls),
      number(p50Ms, 1),
      number(p95Ms, 1),
      lane === 'alone' ? 'slow: alone' : 'batched',
    ]),
  );
}

/**
 * @param {ReadonlyArray<{ readonly pool: string, readonly server: string, readonly state: string,
 *   readonly reason?: string, readonly tier?: string, readonly requests?: number, readonly polls?: number }>} servers
 * @param {readonly string[]} health
 */
function showServers(servers, health) {
  showRows(
    'server-rows',
    servers.map(({ pool, server, state, reason, tier, requests, polls }) => [
      server,
      pool,
      [
        state === 'only' ? 'the only one' : state,
        tier === 'fallback' ? 'fallback' : '',
        reason ?? '',
      ]
        .filter((word) => word !== '')
        .join(', '),
      requests === undefined ? '' : number(requests),
      polls === undefined ? '' : number(polls),
    ]),
  );
  // The rates alone would make a dead pool look healthy.
  const bad = health.filter((line) => line.startsWith('[-]') && !line.endsWith('not checked yet'));
  setText(byId('alarm'), bad.map((line) => line.slice('[-]'.length)).join('; '));
  showItems('health', health);
}

const maxTapRows = 24;
/** @type {TapRow[]} The newest first. */
let tapRows = [];

/** @param {{ readonly skipped: number, readonly rows: readonly TapRow[] }} tap */
function showTap({ skipped, rows }) {
  if (rows.length === 0) return;
  setText(byId('skipped'), skipped > 0 ? 'a sample' : '');
  tapRows = [...[...rows].reverse(), ...tapRows].slice(0, maxTapRows);
  showRows(
    'tap-rows',
    tapRows.map(({ method, route, via, status, tookMs, user, explain, reason }) => [
      `${method} ${route}`,
      via,
      status === 0 ? '-' : String(status),
      number(tookMs, 1),
      user,
      explain,
      reason,
    ]),
  );
}
