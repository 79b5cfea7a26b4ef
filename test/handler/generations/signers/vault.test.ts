/** The transit engine of Vault or OpenBao, as its documents describe it, on loopback: with real keys, and with moods. */
import { createPrivateKey, type KeyObject, verify } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from '@jest/globals'
import { ANSWER_ALGORITHMS } from '../../../../common/answer-algorithm.ts'
import { createVaultKeystore } from '../../../../handler/generations/signers/vault.ts'
import { testEcKey, testKey } from '../../../fixtures/keys.ts'
import { ecSignDigest, signDigest } from '../../../fixtures/sign-digest.ts'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.ts'

const NEVER = new AbortController().signal
const BYTES = Buffer.from('header.payload')
const TOKEN = 'hvs.a-token'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

interface Engine {
  readonly where: string
  readonly tokenFile: string
  /** `METHOD path` of every call. */
  readonly calls: string[]
  /** Answers instead of the engine when it returns something. */
  instead: () => { status: number; body: string; location?: string } | undefined
}

async function engine(): Promise<Engine> {
  const keys = new Map<string, { key: KeyObject; publicKeyPem: string; deletable: boolean }>()
  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request)
      const { method = '', url = '', headers } = request
      made.calls.push(`${method} ${url}`)
      const instead = made.instead()
      if (instead !== undefined) {
        const { status, location } = instead
        response.writeHead(status, location === undefined ? {} : { location }).end(instead.body)
        return
      }
      const end = (status: number, data?: object) => {
        response.writeHead(status).end(data === undefined ? '' : JSON.stringify({ data }))
      }
      if (headers['x-vault-token'] !== TOKEN || headers['x-vault-namespace'] !== 'team')
        return end(403)
      const asked = (body === '' ? {} : JSON.parse(body)) as Record<string, unknown>
      const [, act, name = '', more] =
        /^\/v1\/team\/transit\/(keys|sign)\/([^/]+)(?:\/(.*))?$/.exec(url) ?? []
      const known = keys.get(name)
      if (act === 'keys' && method === 'POST' && more === undefined) {
        const isEc = asked['type'] === 'ecdsa-p256'
        const { privateKeyPem, publicKeyPem } = isEc ? await testEcKey() : await testKey('vault')
        const key = createPrivateKey(privateKeyPem)
        keys.set(name, { key, publicKeyPem, deletable: false })
        return end(204)
      }
      if (known === undefined) return end(404)
      if (act === 'keys' && method === 'GET') {
        const versions = { '1': { public_key: known.publicKeyPem } }
        return end(200, { exportable: false, latest_version: 1, keys: versions })
      }
      if (act === 'keys' && method === 'POST' && more === 'config') {
        known.deletable = asked['deletion_allowed'] === true
        return end(200, {})
      }
      if (act === 'keys' && method === 'DELETE') {
        if (!known.deletable) return end(400)
        keys.delete(name)
        return end(204)
      }
      expect([more, asked['prehashed'], asked['key_version']]).toEqual(['sha2-256', true, 1])
      const digest = Buffer.from(String(asked['input']), 'base64')
      const isEc = known.key.asymmetricKeyType === 'ec'
      expect(asked[isEc ? 'marshaling_algorithm' : 'signature_algorithm']).toBe(
        isEc ? 'jws' : 'pkcs1v15',
      )
      const signature = isEc
        ? ecSignDigest(known.key, digest, 'compact').toString('base64url')
        : signDigest(known.key, digest).toString('base64')
      return end(200, { signature: `vault:v1:${signature}` })
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  const { port } = server.address() as AddressInfo
  const tokenFile = join(await temporaryDirectory(), 'token')
  await writeFile(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
  const where = `vault:http://127.0.0.1:${port}/team/transit?token-file=${tokenFile}&namespace=team`
  const made: Engine = { where, tokenFile, calls: [], instead: () => undefined }
  return made
}

describe('the transit engine', () => {
  const keystore = createVaultKeystore({ fetch })

  it.each(ANSWER_ALGORITHMS)('makes a key for %s, signs, and removes it', async (algorithm) => {
    const { where, calls } = await engine()
    const { name, publicKey } = await keystore.create(where, 'countersign-g3', algorithm)
    expect(name).toMatch(
      /^vault:http:.*\/team\/transit\/keys\/countersign-g3-[0-9a-f]{16}\?token-file=/,
    )
    expect(name).not.toContain(TOKEN)
    const signature = await keystore.sign(name, algorithm, BYTES, NEVER)
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const }
    expect(verify('sha256', BYTES, key, signature)).toBe(true)
    await keystore.destroy(name)
    await keystore.destroy(name)
    await expect(keystore.sign(name, algorithm, BYTES, NEVER)).rejects.toThrow('not in the transit')
    expect(calls.map((call) => call.split(' ')[0])).toEqual(
      'POST GET POST POST DELETE POST POST'.split(' '),
    )
  })

  it.each([
    ['refuses', 403, '{"errors":["permission denied"]}', 'answered 403'],
    ['is sealed', 503, '', 'answered 503'],
    ['gives no signature', 200, '{"data":{}}', 'no signature'],
    ['speaks another language', 200, '<html>', 'not understood'],
    ['has no such key', 404, '', 'not in the transit engine'],
  ])('that %s is an error', async (_, status, body, message) => {
    const place = await engine()
    const { name } = await keystore.create(place.where, 'x', 'ES256')
    place.instead = () => ({ status, body })
    await expect(keystore.sign(name, 'ES256', BYTES, NEVER)).rejects.toThrow(message)
  })

  it('that redirects gets no token elsewhere', async () => {
    const place = await engine()
    const other = await engine()
    const { name } = await keystore.create(place.where, 'x', 'ES256')
    place.instead = () => ({
      status: 307,
      body: '',
      location: new URL(other.where.slice(6)).origin,
    })
    await expect(keystore.sign(name, 'ES256', BYTES, NEVER)).rejects.toThrow('cannot be reached')
    expect(other.calls).toEqual([])
  })

  it('that makes a key which can be taken out is not used', async () => {
    const place = await engine()
    const { publicKeyPem } = await testEcKey()
    const data = { exportable: true, keys: { '1': { public_key: publicKeyPem } } }
    place.instead = () => ({ status: 200, body: JSON.stringify({ data }) })
    await expect(keystore.create(place.where, 'x', 'ES256')).rejects.toThrow(
      'not what was asked for',
    )
  })

  it('reads a token that was renewed, and none that others can read', async () => {
    const place = await engine()
    const { name } = await keystore.create(place.where, 'x', 'RS256')
    await writeFile(place.tokenFile, 'another')
    await expect(keystore.sign(name, 'RS256', BYTES, NEVER)).rejects.toThrow('answered 403')
    await writeFile(place.tokenFile, TOKEN)
    expect(await keystore.sign(name, 'RS256', BYTES, NEVER)).toHaveLength(256)
    await chmod(place.tokenFile, 0o644)
    await expect(keystore.sign(name, 'RS256', BYTES, NEVER)).rejects.toThrow()
  })

  it('gives up when it is told to, and says when nobody is there', async () => {
    const place = await engine()
    const { name } = await keystore.create(place.where, 'x', 'ES256')
    const signing = keystore.sign(name, 'ES256', BYTES, AbortSignal.abort())
    await expect(signing).rejects.toThrow('cannot be reached')
    await closers.pop()?.()
    await expect(keystore.sign(name, 'ES256', BYTES, NEVER)).rejects.toThrow('cannot be reached')
  })

  it.each([
    ['no URL', 'vault:transit', 'it holds no URL'],
    ['plain http', 'vault:http://vault/transit?token-file=/t', 'https is required'],
    ['a password', 'vault:https://a:b@vault/transit?token-file=/t', 'has no place'],
    ['no engine', 'vault:https://vault/?token-file=/t', 'path of the engine'],
    ['an odd path', 'vault:https://vault/a%2fb?token-file=/t', 'path of the engine'],
    ['no token file', 'vault:https://vault/transit', '`token-file`'],
    ['the token itself', 'vault:https://vault/transit?token-file=/t&token=x', 'nothing else'],
    ['a parameter twice', 'vault:https://vault/transit?token-file=/t&token-file=/u', 'twice'],
    ['a key', 'vault:https://vault/transit/keys/k?token-file=/t', 'name the engine alone'],
  ])('named with %s is refused', (_, where, message) => {
    expect(() => keystore.check(where)).toThrow(message)
  })

  it('is named with a path of several parts', () => {
    expect(() => keystore.check('vault:https://v:8200/a/b-c?token-file=/t')).not.toThrow()
  })
})
