/** Whether the program loads the packages of OpenTelemetry. */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Program } from '../support/program.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const addresses = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
const serveArgv = ['serve', '--upstream', 'http://127.0.0.1:1', ...addresses];
const data = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;
/**
 * Counts the files of OpenTelemetry in the list of loaded modules at the end of the process. prom-client itself
 * loads the package with the interfaces, `@opentelemetry/api`.
 */
const counter = data(`
  import { createRequire } from 'node:module';
  const { cache } = createRequire(process.cwd() + '/');
  const isOfOpenTelemetry = (file) => /@opentelemetry.(?!api\\b(?!-))/.test(file);
  process.on('exit', () =>
    console.log('loaded ' + Object.keys(cache).filter(isOfOpenTelemetry).length));`);
const hidingHooks = data(`
  export function resolve(name, context, next) {
    if (!name.startsWith('@opentelemetry/')) return next(name, context);
    throw Object.assign(new Error('gone'), { code: 'ERR_MODULE_NOT_FOUND' });
  }`);
const hider = data(
  `import { register } from 'node:module'; register(${JSON.stringify(hidingHooks)});`,
);

async function outputOf(preload: string, env: Record<string, string>): Promise<string> {
  const surroundings = { env, nodeFlags: ['--import', preload] };
  const serving = await program.start(/"msg":"serving"/, serveArgv, surroundings);
  // The output is complete when the process is gone and its pipes are closed.
  const closed = once(serving.child, 'close');
  serving.child.kill('SIGTERM');
  serving.child.kill('SIGINT');
  await closed;
  expect(serving.child.exitCode).toBe(0);
  return serving.output();
}

test('OpenTelemetry is loaded if an endpoint is set, and no file of it otherwise', async () => {
  expect(await outputOf(counter, {})).toMatch(/^loaded 0$/m);
  const disabled = { OTEL_SDK_DISABLED: 'true', UCWA_PROXY_TRACE_ENDPOINT: 'http://127.0.0.1:1' };
  expect(await outputOf(counter, disabled)).toMatch(/^loaded 0$/m);
  const set = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
  expect(await outputOf(counter, set)).toMatch(/^loaded [1-9]\d+$/m);
});

test('OpenTelemetry that is not installed costs the traces, and the log says so', async () => {
  const env = { UCWA_PROXY_TRACE_ENDPOINT: 'http://127.0.0.1:1' };
  expect(await outputOf(hider, env)).toContain('the packages @opentelemetry/* are not installed');
});
