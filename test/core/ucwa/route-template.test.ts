import { expect, test } from '@jest/globals';
import { routeTemplate } from '../../../src/core/ucwa/route-template.ts';

test.each([
  ['/ucwa/oauth/v1/applications/1045/me/note', '/ucwa/oauth/v1/applications/{}/me/note'],
  [
    '/ucwa/v1/applications/1045/people/dana@domain.com/presence?a=b',
    '/ucwa/v1/applications/{}/people/{}/presence',
  ],
  ['/Autodiscover/AutodiscoverService.svc/root', '/autodiscover/autodiscoverservice.svc/root'],
  ['/secret-of-mine', '/{}'],
  ['/', '/'],
])('the route of %s is %s', (target, template) => {
  expect(routeTemplate(target)).toBe(template);
});

test('a route ends in … after 11 segments', () => {
  const longest = '/me'.repeat(11);
  expect(routeTemplate(longest)).toBe(longest);
  expect(routeTemplate(`${longest}/me`)).toBe(`${longest}/…`);
  expect(routeTemplate(`${longest}/me/me`)).toBe(`${longest}/…`);
  expect(routeTemplate('/a'.repeat(5000)).length).toBeLessThan(50);
});
