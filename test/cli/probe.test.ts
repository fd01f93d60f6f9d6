import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { probe } from '../../src/cli/probe.ts';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { captureIo, only } from './captured-io.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

/** Starts a server until the end of the test. `asked` collects the requested paths. */
async function serve(listener: RequestListener): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    listener(request, response);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function run(...argv: string[]) {
  const io = captureIo();
  const code = await runCommandLine(only(probe), ['probe', ...argv], io);
  return { code, ...io.written };
}

/** Returns a listener that serves the document at `/`, as a pool does, and 404 elsewhere. */
const discovery =
  (links: (host: string) => Record<string, string>): RequestListener =>
  (request, response) => {
    if (request.url !== '/') {
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('no');
      return;
    }
    const entries = Object.entries(links(request.headers.host ?? ''));
    response.setHeader('Content-Type', 'application/json');
    response.end(
      JSON.stringify({
        _links: Object.fromEntries(entries.map(([relation, href]) => [relation, { href }])),
      }),
    );
  };

describe('a proxy', () => {
  test.each(['', '/', '/readyz'])(
    'that is ready is reported as ready, for its admin address%s',
    async (path) => {
      const { url, asked } = await serve((_request, response) => response.end('ready\n'));
      expect(await run(url + path)).toEqual({
        code: 0,
        stdout: `${url}/readyz: ready\n`,
        stderr: '',
      });
      expect(asked).toEqual(['/readyz?verbose']);
    },
  );

  describe('with a pool that', () => {
    const readyWith =
      (...lines: readonly string[]): RequestListener =>
      (_request, response) =>
        response.end([...lines, 'ready', ''].join('\n'));

    test('can be reached is ready, also with --pool', async () => {
      const { url } = await serve(readyWith('[+]serving', '[+]pool: reachable'));
      const ready = { code: 0, stdout: `${url}/readyz: ready\n`, stderr: '' };
      expect(await run(url)).toEqual(ready);
      expect(await run(url, '--pool')).toEqual(ready);
    });

    test('cannot be reached is ready with a warning, and fails with --pool', async () => {
      const { url } = await serve(
        readyWith('[+]pool a: reachable', '[-]pool b: dns_error since 2026-11-30T10:00:00.000Z'),
      );
      const told =
        'the proxy cannot reach its pool (pool b: dns_error since 2026-11-30T10:00:00.000Z)';
      const stdout = `${url}/readyz: ready\n`;
      expect(await run(url)).toEqual({ code: 0, stdout, stderr: `warning: ${told}\n` });
      expect(await run('--pool', url)).toEqual({ code: 1, stdout, stderr: `${told}\n` });
    });

    test('is not mentioned fails with --pool', async () => {
      const { url } = await serve(readyWith());
      expect(await run(url, '--pool')).toMatchObject({
        code: 1,
        stderr: 'the proxy cannot reach its pool (the proxy does not say)\n',
      });
    });
  });

  test('that is not ready is reported with its reasons', async () => {
    const { url } = await serve((_request, response) =>
      response
        .writeHead(503, { 'Content-Type': 'text/plain' })
        .end('[-]drain\n\u001b[1mnot ready\n'),
    );
    expect(await run(url)).toEqual({
      code: 1,
      stdout: '',
      stderr: `${url}/readyz: not ready (503, [-]drain [1mnot ready)\n`,
    });
  });

  test('that refuses connections is not ready', async () => {
    const { url } = await serve(() => undefined);
    const server = servers.pop()!;
    server.close();
    await once(server, 'close');
    const { host } = new URL(url);
    expect(await run(url)).toEqual({
      code: 1,
      stdout: '',
      stderr: `${url}/: ECONNREFUSED: connect ECONNREFUSED ${host}\n`,
    });
  });

  test('that does not answer fails after --timeout', async () => {
    const { url } = await serve(() => undefined);
    expect(await run(url, '--timeout', '50')).toEqual({
      code: 1,
      stdout: '',
      stderr: `${url}/: no complete answer within 50 ms\n`,
    });
  });

  test('that stops in the middle of its answer fails after --timeout', async () => {
    const { url } = await serve((_request, response) => response.write('rea'));
    expect(await run(url, '--timeout=50')).toMatchObject({
      code: 1,
      stderr: `${url}/: no complete answer within 50 ms\n`,
    });
  });

  test('that breaks off its answer fails', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Length': 9 }).write('rea', () => response.destroy());
    });
    expect(await run(url)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${url}/: ECONNRESET`),
    });
  });
});

describe('a discovery document', () => {
  test('with links to the requested host is shown', async () => {
    const { url, asked } = await serve(
      discovery((host) => ({ self: `http://${host}/root`, user: `http://${host}/root/user` })),
    );
    expect(await run(url)).toEqual({
      code: 0,
      stdout: `${url}/: UCWA discovery document\n  self: ${url}/root\n  user: ${url}/root/user\n`,
      stderr: '',
    });
    expect(asked).toEqual(['/readyz?verbose', '/']);
  });

  test('with links to another host is shown with a warning', async () => {
    const { url } = await serve(
      discovery((host) => ({
        self: `http://${host}/root`,
        user: 'https://lyncweb.example/root/user',
        xframe: 'https://lyncweb.example/xframe',
      })),
    );
    expect(await run(url)).toEqual({
      code: 0,
      stdout: `${url}/: UCWA discovery document
  self: ${url}/root
  user: https://lyncweb.example/root/user
  xframe: https://lyncweb.example/xframe
`,
      stderr: `warning: not on ${new URL(url).host}: user (lyncweb.example), xframe (lyncweb.example); clients that follow these links bypass it\n`,
    });
  });

  test('is found at any path', async () => {
    const { url, asked } = await serve((_request, response) =>
      response.end(JSON.stringify({ _links: { user: { href: 'http://127.0.0.1/u' } } })),
    );
    expect(await run(`${url}/autodiscover/root?originalDomain=x`)).toMatchObject({
      code: 0,
      stdout: `${url}/autodiscover/root?***: UCWA discovery document\n  user: http://127.0.0.1/u\n`,
    });
    expect(asked).toEqual(['/autodiscover/root?originalDomain=x']);
  });

  test('is found even if every path returns it', async () => {
    const { url } = await serve((_request, response) =>
      response.end(JSON.stringify({ _links: { user: { href: `${url}/u` } } })),
    );
    expect(await run(url)).toMatchObject({
      code: 0,
      stdout: `${url}/: UCWA discovery document\n  user: ${url}/u\n`,
    });
  });
});

describe('anything else', () => {
  test('is reported as unknown', async () => {
    const { url } = await serve((_request, response) =>
      response.setHeader('Content-Type', 'text/html').end('<p>hello</p>'),
    );
    const what = "neither a proxy's admin address nor a UCWA discovery document (200, text/html)";
    expect(await run(url)).toEqual({ code: 1, stdout: '', stderr: `${url}/: ${what}\n` });
    expect(await run(`${url}/readyz`)).toMatchObject({
      code: 1,
      stderr: `${url}/readyz: ${what}\n`,
    });
  });

  test('that redirects is reported, and not followed', async () => {
    const { url, asked } = await serve((_request, response) =>
      response.writeHead(302, { Location: '/elsewhere?token=hunter2' }).end(),
    );
    expect(await run(`${url}/root`)).toEqual({
      code: 1,
      stdout: '',
      stderr: `${url}/root: a redirect (302) to ${url}/elsewhere?***, not followed\n`,
    });
    expect(asked).toEqual(['/root']);
  });

  test('with an endless answer is disconnected', async () => {
    const closed = new EventEmitter();
    const hungUp = once(closed, 'close');
    const { url } = await serve((_request, response) => {
      const chunk = Buffer.alloc(256 * 1024);
      const send = () => {
        if (!response.destroyed) response.write(chunk, send);
      };
      response.on('close', () => closed.emit('close'));
      send();
    });
    expect(await run(`${url}/root`, '--timeout', '600000')).toEqual({
      code: 1,
      stdout: '',
      stderr: `${url}/root: answer is longer than 1048576 bytes\n`,
    });
    await hungUp;
  });
});

describe('wrong arguments', () => {
  test.each([
    '127.0.0.1:9464',
    'localhost:9464',
    'ftp://host',
    'http://',
    'http://user:hunter2@host',
  ])('%s is not an http URL without credentials', async (text) => {
    const { code, stdout, stderr } = await run(text);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('URL: expected http or https without credentials');
    expect(stderr).not.toContain('hunter2');
  });

  test.each(['0', '1s', '600001', '1.5'])('%s is not a valid timeout', async (text) => {
    expect(await run('http://127.0.0.1:9464', '--timeout', text)).toEqual({
      code: 2,
      stdout: '',
      stderr: `--timeout: expected a number of milliseconds from 1 to 600000, found "${text}"\n`,
    });
  });
});
