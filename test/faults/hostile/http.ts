/** HTTP messages that are wrong around a body that is right: each carries a token that would be approved. */

/** One message and the statuses that may answer it; an empty list means the connection may just end. */
export interface HostileMessage {
  readonly what: string
  readonly parts: readonly (string | Buffer)[]
  readonly may: readonly number[]
}

const PATH = '/g1/v2/tx_sign_request'

interface Message {
  readonly line?: string
  readonly headers?: readonly string[]
  readonly body?: string
  readonly host?: string
}

/** A POST of the token with parts replaced; the content length is right unless headers say otherwise. */
function message(
  token: string,
  { line = `POST ${PATH} HTTP/1.1`, headers, body = token, host = 'Host: localhost' }: Message,
): string[] {
  const lines = headers ?? [`Content-Length: ${Buffer.byteLength(body)}`]
  return [`${[line, ...(host === '' ? [] : [host]), ...lines].join('\r\n')}\r\n\r\n${body}`]
}

/** Requests that are right, to see that this file can be answered at all. */
export function rightMessages(token: () => string): readonly HostileMessage[] {
  const one = token()
  return [
    { what: 'as it should be', parts: message(one, {}), may: [200] },
    { what: 'chunked', parts: message(token(), { ...chunked(one) }), may: [200] },
    {
      what: 'in pieces',
      parts: [...message(token(), {}).join('')].map(String).reduce<string[]>(inPieces, []),
      may: [200],
    },
    {
      what: 'with a media type of anything',
      parts: message(one, {
        headers: ['Content-Type: text/evil', `Content-Length: ${one.length}`],
      }),
      may: [200],
    },
  ]
}

function inPieces(pieces: string[], character: string): string[] {
  const last = pieces.at(-1)
  if (last === undefined || last.length >= 97) pieces.push(character)
  else pieces[pieces.length - 1] = `${last}${character}`
  return pieces
}

function chunked(body: string, extension = ''): Message {
  const text = `${body.length.toString(16)}${extension}\r\n${body}\r\n0\r\n\r\n`
  return { headers: ['Transfer-Encoding: chunked'], body: text }
}

/** Every hostile message; `port` is where the handler listens, `token` gives a new approvable request each time. */
export function hostileMessages(port: number, token: () => string): readonly HostileMessage[] {
  const wrong = (what: string, parts: Message, may: readonly number[]): HostileMessage => ({
    what,
    parts: message(token(), parts),
    may,
  })
  const length = () => `Content-Length: ${Buffer.byteLength(token())}`
  const targets = [
    `https://localhost:${port}${PATH}`,
    `http://evil${PATH}`,
    `/g1/../g1/v2/tx_sign_request`,
    `/./g1/v2/tx_sign_request`,
    `/%2e/g1/v2/tx_sign_request`,
    '/g1/v2/%2e%2e/v2/tx_sign_request',
    '/g1/v2/tx%5fsign_request',
    `/${PATH}`,
    `//evil${PATH}`,
    `${PATH}/`,
    `${PATH}?`,
    `${PATH}?a=b`,
    `${PATH}#`,
    `${PATH};a`,
    `${PATH}%00`,
    PATH.toUpperCase(),
    '/g01/v2/tx_sign_request',
    '/g+1/v2/tx_sign_request',
    '/g1e0/v2/tx_sign_request',
    '/g2/v2/tx_sign_request',
    '/g0/v2/tx_sign_request',
    '/v2/tx_sign_request',
    '/g1/tx_sign_request',
    '\\g1\\v2\\tx_sign_request',
    '/g1/v2/tx_sign_request\\',
    '*',
    'g1/v2/tx_sign_request',
    `/${'a'.repeat(6_000)}`,
    '/__proto__/v2/tx_sign_request',
    '/constructor',
    '/',
  ]
  const methods = [
    'GET',
    'PUT',
    'PATCH',
    'DELETE',
    'HEAD',
    'OPTIONS',
    'TRACE',
    'PROPFIND',
    'post',
    'POSTX',
  ]
  return [
    ...targets.map((target) =>
      wrong(`target ${target.slice(0, 50)}`, { line: `POST ${target} HTTP/1.1` }, [400, 404]),
    ),
    ...methods.map((method) =>
      wrong(`method ${method}`, { line: `${method} ${PATH} HTTP/1.1` }, [400, 404]),
    ),
    wrong('method CONNECT', { line: 'CONNECT localhost:1 HTTP/1.1' }, [400, 404]),
    wrong('two hosts', { headers: ['Host: localhost', length()] }, [400]),
    wrong('two different hosts', { headers: ['Host: evil', length()] }, [400]),
    wrong('no host', { host: '' }, [400]),
    wrong('HTTP/1.0 without host', { line: `POST ${PATH} HTTP/1.0`, host: '' }, [400]),
    wrong('HTTP/2.0', { line: `POST ${PATH} HTTP/2.0` }, [400, 505]),
    wrong('HTTP/0.9', { line: `POST ${PATH}` }, [400]),
    wrong(
      'HTTP/2 preface',
      { line: 'PRI * HTTP/2.0', host: '', headers: [], body: 'SM\r\n\r\n' },
      [400, 505],
    ),
    wrong('length and chunks', { headers: [length(), 'Transfer-Encoding: chunked'] }, [400]),
    wrong('chunks and length', { headers: ['Transfer-Encoding: chunked', length()] }, [400]),
    wrong('two lengths', { headers: [length(), 'Content-Length: 5'] }, [400]),
    wrong('two equal lengths', { headers: ['Content-Length: 5', 'Content-Length: 5'] }, [400]),
    ...['-1', '+5', '0x10', '1e3', '5 5', '5,5', '', 'abc', '99999999999999999999'].map((value) =>
      wrong(`length ${value}`, { headers: [`Content-Length: ${value}`] }, [400, 401, 413]),
    ),
    ...[
      'xchunked',
      'chunked, identity',
      'identity, chunked',
      'gzip, chunked',
      'chunked, chunked',
      '\u000bchunked',
      'chunke\u0064\u0000',
      '',
    ].map((value) =>
      wrong(
        `coding ${JSON.stringify(value)}`,
        { ...chunked(token()), headers: [`Transfer-Encoding: ${value}`] },
        [400, 415],
      ),
    ),
    wrong(
      'a space before the colon',
      { headers: [`Content-Length : ${length().slice(16)}`] },
      [400],
    ),
    wrong('a folded header', { headers: ['X-A: b\r\n c', length()] }, [400]),
    wrong(
      'bare line feeds',
      { line: `POST ${PATH} HTTP/1.1\nHost: localhost\n${length()}\n\n` },
      [400],
    ),
    wrong('a NUL in a header', { headers: ['X-A: a\0b', length()] }, [400]),
    wrong('headers of 20 kB', { headers: [`X-A: ${'a'.repeat(20_000)}`, length()] }, [431, 400]),
    wrong(
      '3,000 headers',
      { headers: [...Array.from({ length: 3_000 }, (_, n) => `X-${n}: ${n}`), length()] },
      [431, 400],
    ),
    wrong('a chunk extension of 20 kB', chunked(token(), `;${'a'.repeat(20_000)}`), [400, 413]),
    wrong(
      'a chunk size that is none',
      { headers: ['Transfer-Encoding: chunked'], body: 'xyz\r\n' },
      [400],
    ),
    wrong(
      'a chunk of 2^64 bytes',
      { headers: ['Transfer-Encoding: chunked'], body: 'fffffffffffffffff\r\n' },
      [400, 413],
    ),
    wrong('a body that is too large', { headers: ['Content-Length: 8388609'] }, [413]),
    wrong('a body of terabytes', { headers: ['Content-Length: 9999999999999'] }, [413]),
    ...['gzip', 'br', 'deflate', 'x', 'identity, gzip'].map((value) =>
      wrong(`encoding ${value}`, { headers: [`Content-Encoding: ${value}`, length()] }, [415]),
    ),
    wrong('an expectation that is none', { headers: ['Expect: 200-ok', length()] }, [417, 400]),
    wrong(
      'a shorter body with a request hidden in the rest',
      {
        headers: ['Content-Length: 10'],
        body: `0123456789${message(token(), { line: `GET ${PATH} HTTP/1.1` }).join('')}`,
      },
      [401, 404, 400],
    ),
    { what: 'not HTTP', parts: [Buffer.from('16030100', 'hex'), 'hello\r\n\r\n'], may: [400] },
    { what: 'zeros', parts: [Buffer.alloc(4_096)], may: [400] },
  ]
}

/** Headers that other servers act upon; here they change nothing, so that the answer is the ordinary one. */
export function ignoredHeaders(token: () => string): readonly HostileMessage[] {
  const headers = [
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-Host: evil',
    'X-HTTP-Method-Override: GET',
    'X-Original-URL: /',
    'Authorization: Bearer x',
    'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__',
    'Upgrade: websocket\r\nConnection: Upgrade',
  ]
  return headers.map((header) => {
    const body = token()
    const parts = message(body, { headers: [header, `Content-Length: ${body.length}`] })
    return { what: `header ${header.split('\r\n', 1)[0]}`, parts, may: [200, 400, 404] }
  })
}
