/**
 * The pool, in its own process. It answers GETs and batches of GETs as cheaply as plain Node can,
 * and counts them. The pool knows its users, so a call with another user's credential fails.
 *
 * The pool may listen on several addresses ("doors"), which show through which proxy a request
 * came.
 *
 * The options are `{ users, serviceMs, bodyBytes, doors }`. The facts are `{ urls }`, one per door.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { childOptions, cpuMicros, serveParent } from '../children/child-side.js';
import { listenOnLoopback } from '../children/listen-on-loopback.js';
import { bodyFor, userAt } from '../workload.js';
import { readBatch, writeBatch } from './batch-message.js';

/** @type {{ users: number, serviceMs: number, bodyBytes: number, doors: number }} */
const { users, serviceMs, bodyBytes, doors } = childOptions();

/** @type {Map<string | undefined, import('../workload.js').User>} */
const userByCredential = new Map();
for (let index = 0; index < users; index += 1) {
  const user = userAt(index);
  userByCredential.set(user.authorization, user);
}

/** Fields as in captures of real servers. */
const headers = {
  'Cache-Control': 'no-cache',
  Expires: '-1',
  Pragma: 'no-cache',
  Server: 'Microsoft-IIS/8.0',
  'X-AspNet-Version': '4.0.30319',
  'X-MS-Server-Fqdn': 'pool.example',
  'X-Powered-By': 'ASP.NET',
};

/** `strays`: requests of an application that came through another door before. */
const counts = { requests: 0, singles: 0, batches: 0, parts: 0, connections: 0, strays: 0 };
/** Number of requests by door. */
const through = Array.from({ length: doors }, () => 0);
/** @type {Map<string | undefined, number>} */
const doorByApplication = new Map();

/**
 * @param {string | undefined} application its path
 * @param {number} door
 */
function countDoor(application, door) {
  through[door] = (through[door] ?? 0) + 1;
  const before = doorByApplication.get(application);
  if (before === undefined) doorByApplication.set(application, door);
  else if (before !== door) counts.strays += 1;
}

/**
 * @param {import('../workload.js').User | undefined} user
 * @param {string} path
 * @returns {import('./batch-message.js').PartAnswer & { status: number }}
 */
function answerTo(user, path) {
  return user !== undefined && path.startsWith(`${user.applicationPath}/`)
    ? { status: 200, statusLine: '200 OK', body: bodyFor(path, bodyBytes) }
    : { status: 403, statusLine: '403 Forbidden', body: '{"code":"Forbidden"}' };
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {string} contentType
 * @param {string} body
 */
function reply(response, status, contentType, body) {
  const write = () =>
    response
      .writeHead(status, {
        ...headers,
        'Content-Type': contentType,
        'Content-Length': Buffer.byteLength(body, 'latin1'),
      })
      .end(body, 'latin1');
  if (serviceMs === 0) write();
  else setTimeout(write, serviceMs);
}

/**
 * @param {import('../workload.js').User | undefined} user
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {string} body
 */
function answerBatch(user, request, response, body) {
  try {
    const paths = readBatch(request.headers['content-type'] ?? '', body);
    if (request.url !== `${user?.applicationPath}/batch`) throw new Error('not the batch resource');
    counts.batches += 1;
    counts.parts += paths.length;
    const boundary = randomUUID();
    const answers = paths.map((path) => answerTo(user, path));
    reply(
      response,
      200,
      `multipart/batching; boundary="${boundary}"`,
      writeBatch(answers, boundary),
    );
  } catch (error) {
    reply(response, 400, 'text/plain', `the pool refuses a batch: ${error}`);
  }
}

/** @param {number} door */
function serverAt(door) {
  const server = createServer((request, response) => {
    counts.requests += 1;
    const user = userByCredential.get(request.headers.authorization);
    if (doors > 1) countDoor(user?.applicationPath, door);
    if (request.method === 'GET') {
      counts.singles += 1;
      const { status, body } = answerTo(user, request.url ?? '');
      reply(response, status, 'application/json; charset=utf-8', body);
      return;
    }
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => answerBatch(user, request, response, body));
  });
  server.on('connection', () => (counts.connections += 1));
  // Connections stay open during the rounds of other peers.
  server.keepAliveTimeout = 120_000;
  return server;
}

const servers = Array.from({ length: doors }, (_, door) => serverAt(door));
serveParent(
  { urls: await Promise.all(servers.map(listenOnLoopback)) },
  { mark: () => ({ ...counts, through, cpuMicros: cpuMicros() }) },
);
