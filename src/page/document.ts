/** The page: one file of HTML with its style and its script inside. The policy allows nothing but these two. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface PageDocument {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** In the order in which they run. They share one scope. */
const scripts = ['dom.js', 'board.js', 'lists.js', 'time-line.js', 'what-if.js', 'page.js'];

export function loadPage(): PageDocument {
  const read = (file: string): string =>
    readFileSync(new URL(`./client/${file}`, import.meta.url), 'utf8');
  const style = read('style.css');
  const script = `'use strict';\n{\n${scripts.map(read).join('')}}\n`;
  // A function, because `$&` in a replacement text has a meaning.
  const html = read('index.html')
    .replace('<!-- style -->', () => `<style>${style}</style>`)
    .replace('<!-- script -->', () => `<script>${script}</script>`);
  const policy = [
    "default-src 'none'",
    `script-src '${digestOf(script)}'`,
    `style-src '${digestOf(style)}'`,
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return {
    body: Buffer.from(html),
    headers: {
      'Content-Security-Policy': policy.join('; '),
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Referrer-Policy': 'no-referrer',
    },
  };
}

function digestOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
