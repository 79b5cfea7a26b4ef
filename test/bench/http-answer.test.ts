import { describe, expect, it } from '@jest/globals'
import { parseAnswer, postRequest } from '../../bench/load/http-answer.ts'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello'

describe('parseAnswer', () => {
  it('waits until the last byte is there', () => {
    const complete = Array.from(ANSWER, (_, i) => parseAnswer(ANSWER.slice(0, i)))
    expect(complete.every((parsed) => parsed === undefined)).toBe(true)
    expect(parseAnswer(ANSWER)).toEqual({
      answer: { status: 200, body: 'hello', close: false },
      end: ANSWER.length,
    })
  })

  it('leaves what follows alone and sees that the connection will close', () => {
    const head = 'HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length:0\r\n\r\n'
    expect(parseAnswer(`${head}${ANSWER}`)).toEqual({
      answer: { status: 503, body: '', close: true },
      end: head.length,
    })
  })

  it('takes an answer that ends with its connection as it is', () => {
    const bytes = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'
    expect(parseAnswer(bytes)).toEqual({
      answer: { status: 408, body: '', close: true },
      end: bytes.length,
    })
  })

  it('refuses an answer whose length it cannot know', () => {
    expect(() => parseAnswer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')).toThrow(
      'an answer without a status line or a length',
    )
  })
})

describe('postRequest', () => {
  it('declares the length of the body', () => {
    expect(postRequest('/g1/v2/tx_sign_request', 'localhost:1', 'a.b.c').split('\r\n')).toEqual([
      'POST /g1/v2/tx_sign_request HTTP/1.1',
      'Host: localhost:1',
      'Content-Type: application/jwt',
      'Content-Length: 5',
      '',
      'a.b.c',
    ])
  })
})
