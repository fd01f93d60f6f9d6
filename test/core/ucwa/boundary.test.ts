import { describe, expect, test } from '@jest/globals';
import { batchingBoundary } from '../../../src/core/ucwa/boundary.ts';

describe('batchingBoundary', () => {
  test.each([
    ['multipart/batching; boundary="07b2d3f3-9a8f"', '07b2d3f3-9a8f'],
    ['multipart/batching;boundary=07b2d3f3', '07b2d3f3'],
    ['Multipart/Batching ; charset=utf-8; BOUNDARY = "a=b:c d"', 'a=b:c d'],
    ['multipart/batching; boundary="a\\"b"', undefined],
    ['multipart/batching; x="boundary=evil"; boundary=good', 'good'],
    ['multipart/batching', undefined],
    ['multipart/batching; boundary=', undefined],
    ['multipart/batching; boundary=""', undefined],
    ['multipart/batching; boundary="ends with blank "', undefined],
    [`multipart/batching; boundary=${'a'.repeat(70)}`, 'a'.repeat(70)],
    [`multipart/batching; boundary=${'a'.repeat(71)}`, undefined],
    ['multipart/mixed; boundary=a', undefined],
    ['multipart/batchingx; boundary=a', undefined],
    ['x-multipart/batching; boundary=a', undefined],
    ['text/plain; x=multipart/batching; boundary=a', undefined],
    ['text/html', undefined],
    [undefined, undefined],
  ])('of %s is %s', (contentType, boundary) => {
    expect(batchingBoundary(contentType)).toBe(boundary);
  });
});
