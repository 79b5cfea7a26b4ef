/** What the page's server sends, and the headers that keep a browser from doing anything else with it. */
import type { ServerResponse } from 'node:http'
import type { Html } from './html.ts'

/** A request that is not granted; the text is for the person. */
export class Refused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Nothing is loaded from elsewhere, framed, embedded, sent elsewhere or run from text. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types countersign',
].join('; ')

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy':
    'publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), geolocation=(), microphone=()',
  // With `no-referrer` browsers would say `Origin: null` for forms of the page itself.
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
} as const

/** What is not a page. */
export type Asset = { readonly type: string; readonly text: string }

/** Sends a page. */
export function sendPage(response: ServerResponse, status: number, page: Html): void {
  send(response, status, 'text/html; charset=utf-8', page.toString())
}

/** Sends a style sheet, a script or a picture. */
export function sendAsset(response: ServerResponse, { type, text }: Asset): void {
  send(response, 200, `${type}; charset=utf-8`, text)
}

/** Sends a value. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json', JSON.stringify(value))
}

/** Sends the browser to another page of ours. */
export function sendTo(response: ServerResponse, path: string): void {
  response.writeHead(303, { ...HEADERS, Location: path })
  response.end()
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  const body = Buffer.from(text)
  response.writeHead(status, { ...HEADERS, 'Content-Type': type, 'Content-Length': body.length })
  response.end(body)
}
