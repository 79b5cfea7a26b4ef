/**
 * The worked example of a keystore of one's own (docs/keys.md), run as it stands: a signing service that is well, wrong,
 * slow and away, behind a whole handler. What cannot be signed by the paired key is 503, and never signed otherwise.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { createHandler } from 'countersign'
import type { Handler } from 'countersign'
import { compactVerify } from 'jose'
import { createAcmeKeystore } from '../../docs/examples/keystore/keystore.ts'
import { fileSigner } from '../../handler/generations/signers/file.ts'
import { signToken } from '../../handler/protocol/token.ts'
import { claimsOf, handlerSetup, postTo, transfer } from '../fixtures/handler.ts'
import { testKey } from '../fixtures/keys.ts'

interface Service {
  readonly url: string
  readonly server: Server
  readonly keys: Map<string, KeyObject>
  /** How it behaves from now on. */
  mood: 'well' | 'wrong' | 'hangs' | 'refuses'
}

const running: { stop(): Promise<void> | void }[] = []

/** Runs a test on a service; handlers stop before their directories go. */
async function withService(test: (service: Service) => Promise<void>): Promise<void> {
  try {
    await test(await signingService())
  } finally {
    for (const each of running.splice(0).toReversed()) await each.stop()
  }
}

async function signingService(): Promise<Service> {
  const keys = new Map<string, KeyObject>()
  const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const server = createServer((request, response) => {
    void (async () => {
      const body = JSON.parse(await text(request)) as Record<string, string>
      const { mood } = service
      if (request.headers.authorization !== 'Bearer secret' || mood === 'refuses') {
        response.writeHead(403).end()
        return
      }
      if (mood === 'hangs') return
      const [, , id = '', act] = (request.url ?? '').split('/')
      if (id === '') {
        const { privateKey, publicKey } = p256()
        const made = `k${keys.size + 1}`
        keys.set(made, privateKey)
        const pem = publicKey.export({ type: 'spki', format: 'pem' })
        response.end(JSON.stringify({ id: made, publicKey: pem }))
      } else if (act === 'sign') {
        const key = mood === 'wrong' ? p256().privateKey : keys.get(id)
        if (key === undefined) {
          response.writeHead(404).end()
          return
        }
        const signature = await fileSigner(key).sign(Buffer.from(body['data'] ?? '', 'base64'))
        response.end(JSON.stringify({ signature: signature.toString('base64') }))
      } else {
        keys.delete(id)
        response.end('{}')
      }
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const service: Service = { url: `http://127.0.0.1:${port}/keys`, server, keys, mood: 'well' }
  running.push({
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
  return service
}

async function handlerOn(service: Service) {
  const setup = await handlerSetup({
    env: { HANDLER_ANSWER_SIGNER: `acme:${service.url}`, HANDLER_ANSWER_ALGORITHM: 'ES256' },
  })
  const make = (): Handler => {
    const handler = createHandler({
      env: setup.settings,
      version: '1',
      keystores: {
        acme: async () => createAcmeKeystore({ fetch, token: async () => 'secret' }),
      },
      log: { write: () => undefined },
    })
    running.push(handler)
    return handler
  }
  const handler = make()
  await handler.start()
  const { signer } = await testKey('cosigner')
  let count = 0
  const ask = async () => {
    count += 1
    const token = await signToken(signer, transfer(`t${count}`, '1'))
    return postTo(setup.ports[0] ?? 0, '/g1/v2/tx_sign_request', token)
  }
  const ready = async () => {
    const response = await fetch(`http://127.0.0.1:${setup.opsPort}/readyz`)
    return `${response.status} ${await response.text()}`
  }
  return { handler, make, ask, ready, directory: join(setup.home, 'state', 'keys', 'g1') }
}

describe('a keystore of one’s own', () => {
  it('makes the key, signs the answers, and gives nothing away', () =>
    withService(async (service) => {
      const { ask, ready, directory } = await handlerOn(service)
      const { status, body } = await ask()
      expect([status, claimsOf(body)['action']]).toEqual([200, 'APPROVE'])
      const publicKey = createPublicKey(await readFile(join(directory, 'public.pem'), 'utf8'))
      const { protectedHeader } = await compactVerify(body, publicKey)
      expect(protectedHeader.alg).toBe('ES256')
      expect([...service.keys.keys()]).toEqual(['k1'])
      expect(existsSync(join(directory, 'private.pem'))).toBe(false)
      const meta = JSON.parse(await readFile(join(directory, 'meta.json'), 'utf8')) as object
      expect(meta).toMatchObject({
        version: 2,
        answerKey: { algorithm: 'ES256', signer: `acme:${service.url}/k1` },
      })
      expect(await ready()).toMatch(/^200 /)
    }))

  it.each([
    ['wrong', 'does not verify'],
    ['refuses', 'answered 403'],
    ['hangs', 'within'],
  ] as const)('that %s leads to 503 in time, and readiness names the generation', (mood, why) =>
    withService(async (service) => {
      const { ask, ready } = await handlerOn(service)
      service.mood = mood
      expect(await ask()).toMatchObject({ status: 503 })
      const said = await ready()
      expect(said).toMatch(/^503 .*signing for generation 1: /)
      expect(said).toContain(why)
      service.mood = 'well'
      expect(await ask()).toMatchObject({ status: 200 })
    }),
  )

  it('that is away keeps a handler from starting, which says which generation it is', () =>
    withService(async (service) => {
      const { handler, make } = await handlerOn(service)
      await handler.stop()
      service.mood = 'refuses'
      await expect(make().start()).rejects.toThrow(
        'generation 1 cannot sign: the signing service answered 403',
      )
      service.mood = 'well'
      await make().start()
    }))
})
