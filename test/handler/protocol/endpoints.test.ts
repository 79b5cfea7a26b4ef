import { describe, expect, it } from '@jest/globals'
import { routeOf, routesFor, speaksOtherMode } from '../../../handler/protocol/endpoints.ts'

const served = [
  { basePath: '', generation: 1 },
  { basePath: '/prod/callback/', generation: 2 },
]

describe('routeOf', () => {
  const routes = routesFor('token', served)

  it.each([
    ['/g1/v2/tx_sign_request', { endpoint: 'tx_sign_request', generation: 1 }],
    [
      '/g1/v2/config_change_sign_request',
      { endpoint: 'config_change_sign_request', generation: 1 },
    ],
    ['/prod/callback/g2/v2/tx_sign_request', { endpoint: 'tx_sign_request', generation: 2 }],
  ])('finds %s', (target, route) => {
    expect(routeOf(target, routes)).toEqual(route)
  })

  it.each([
    '',
    '/',
    '*',
    '/v2/tx_sign_request',
    '/g1/tx_sign_request',
    '/g2/v2/tx_sign_request',
    '/g3/v2/tx_sign_request',
    '/g01/v2/tx_sign_request',
    '/g1/v2/tx_sign_request/',
    '/g1/v2/tx_sign_request?a=1',
    '/g1/v2/tx_sign_request#a',
    '//g1/v2/tx_sign_request',
    '/g1//v2/tx_sign_request',
    '/g1/v2/v2/tx_sign_request',
    '/g1/../g1/v2/tx_sign_request',
    '/g1/%76%32/tx_sign_request',
    '/G1/v2/tx_sign_request',
    '/g1/v2/TX_SIGN_REQUEST',
    '/g1/v2/tx_sign_request ',
    'http://localhost/g1/v2/tx_sign_request',
    '/g1/v2/tx_approval_request',
    '__proto__',
    '/prod/callback//g2/v2/tx_sign_request',
  ])('does not know %j', (target) => {
    expect(routeOf(target, routes)).toBeUndefined()
  })

  it('has no version in plain mode', () => {
    const plain = routesFor('plain', served)
    expect(routeOf('/g1/tx_sign_request', plain)).toEqual({
      endpoint: 'tx_sign_request',
      generation: 1,
    })
    expect(routeOf('/g1/v2/tx_sign_request', plain)).toBeUndefined()
  })
})

describe('speaksOtherMode', () => {
  it('knows the targets of the other mode, and nothing else', () => {
    expect(speaksOtherMode('/g1/tx_sign_request', routesFor('token', served))).toBe(true)
    expect(speaksOtherMode('/g1/v2/tx_sign_request', routesFor('plain', served))).toBe(true)
    expect(speaksOtherMode('/g1/v2/tx_sign_request', routesFor('token', served))).toBe(false)
    expect(speaksOtherMode('/g9/tx_sign_request', routesFor('token', served))).toBe(false)
  })
})
