/** What a stranger's bytes cost before their signature is checked: never more than a few hashes of the same bytes. */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { createTokenVerifier } from '../../handler/protocol/token.ts'
import { encode, tokenOf } from './client.ts'
import type { Context } from './scenario.ts'

const BYTES = 8 * 1024 * 1024 - 2_000
const TIMES_ONE_HASH = 4
const ROUNDS = 5

/** Refused bodies of the largest size, each against three keys, beside one SHA-256 of the same bytes. */
export async function costs({ report, world }: Context): Promise<void> {
  const keys = [world.cosigner.publicKeyPem, world.foreign.publicKeyPem].map((pem) =>
    createPublicKey(pem),
  )
  const third = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const verify = createTokenVerifier(
    [...keys, third.publicKey].map((key, at) => ({ name: `key-${at}`, key })),
  )
  const header = encode('{"alg":"RS256"}')
  const claims = encode('{"a":"b"}'.padEnd(1_000))
  const members = (text: string) => encode(`{${text.repeat(Math.floor(BYTES / 12))}"z":1}`)
  const bodies: Readonly<Record<string, string>> = {
    'a payload signed by a stranger': tokenOf(
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
      Buffer.alloc(BYTES * 0.7, 'a'),
    ),
    'a random signature': `${header}.${'A'.repeat(BYTES)}.${randomBytes(256).toString('base64url')}`,
    'a short signature': `${header}.${'A'.repeat(BYTES)}.AAAA`,
    'a header of members': `${members('"ab":1,')}.${claims}.AAAA`,
    'a signature of eight megabytes': `${header}.${claims}.${'A'.repeat(BYTES)}`,
    'nothing but dots': '.'.repeat(BYTES),
    'no dot at all': 'A'.repeat(BYTES),
  }
  for (const [what, text] of Object.entries(bodies)) {
    const body = Buffer.from(text, 'latin1')
    const hash = median(() => createHash('sha256').update(body).digest())
    const refused = median(() => {
      try {
        verify(body, new Date())
        report.must(false, 'nothing hostile is accepted', what)
      } catch {
        // As it should.
      }
    })
    const times = refused / hash
    report.count('bodies of 8 MiB refused')
    report.must(times <= TIMES_ONE_HASH * 3, 'an unsigned body costs a few hashes of it', {
      what,
      times,
    })
    report.say(`  ${what}: ${times.toFixed(2)} times one SHA-256`)
  }
}

/** CPU of the process, in microseconds; the median of a few rounds. */
function median(work: () => unknown): number {
  const spent = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(before)
    return user + system
  })
  return spent.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0
}
