import fc from 'fast-check';

/** Bodies made of texts that resemble framing, and of random bytes. */
export const hostileBody = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['\r\n', '\n', '\r', '--', 'Bo', '--Bo', '\r\n--Bo', '\r\n--Bo--\r\n', '\r\n\r\n'],
        ...['HTTP/1.1 200 OK\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'Content-Length: 0\r\n'],
        ...['Content-Type: application/http; msgtype=response\r\n\r\n', '\ufeff{"a":1}', '\0'],
        ...['Boundary-2', '\r\n--Boundary-2\r\n', '\n--Boundary-3--\n'],
      ),
      fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    ),
    { maxLength: 6 },
  )
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

/**
 * Returns boundaries. The encoder skips a boundary that occurs in a body and takes the next one.
 */
export function boundaries(): () => string {
  let drawn = 0;
  return () => {
    drawn += 1;
    return drawn === 1 ? 'Bo' : `Boundary-${drawn}`;
  };
}
