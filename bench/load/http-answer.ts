/** Reads HTTP/1.1 answers off a keep-alive connection: just enough of RFC 9112 for the servers measured here. */

/** One answer, whole. */
export interface HttpAnswer {
  readonly status: number
  readonly body: string
  /** The server will close the connection after this answer. */
  readonly close: boolean
}

/** The first answer in `bytes` and where it ends; undefined while it is not complete. */
export function parseAnswer(bytes: string): { answer: HttpAnswer; end: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = bytes.slice(0, headEnd)
  const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  const close = /\r\nconnection: *close/i.test(head)
  if (status === undefined || (length === undefined && !close)) {
    throw new Error('an answer without a status line or a length')
  }
  const start = headEnd + 4
  // Without a length the end of the connection is the end of the body: Node cuts the slow off like that.
  const end = length === undefined ? bytes.length : start + Number(length)
  if (bytes.length < end) return undefined
  return { answer: { status: Number(status), body: bytes.slice(start, end), close }, end }
}

/** A whole POST request; the body is ASCII. */
export function postRequest(path: string, host: string, body: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/jwt\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  )
}
