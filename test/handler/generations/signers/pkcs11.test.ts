/** Answer keys in a PKCS#11 token: SoftHSM2, through the process that holds its module. Skipped where it is missing. */
import { verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import { ANSWER_ALGORITHMS } from '../../../../common/answer-algorithm.ts'
import { systemClock } from '../../../../common/clock.ts'
import { createPkcs11Keystore } from '../../../../handler/generations/signers/pkcs11.ts'
import type { Keystore } from '../../../../handler/generations/signers/keystore.ts'
import { PIN, softHsm, softHsmLacks } from '../../../fixtures/soft-hsm.ts'
import type { SoftHsm } from '../../../fixtures/soft-hsm.ts'
import { settableClock } from '../../../fixtures/settable-clock.ts'
import { until } from '../../../fixtures/until.ts'

const describeHere = softHsmLacks() === undefined ? describe : describe.skip

const NEVER = new AbortController().signal
const BYTES = Buffer.from('header.payload')

const open: Keystore[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((keystore) => keystore.close()))
})

/** Processes of this one. */
function children(): number[] {
  const listed = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
  return listed.trim().split(' ').map(Number)
}

function keystoreFor({ env }: SoftHsm): Keystore {
  const keystore = createPkcs11Keystore({ clock: systemClock, env })
  open.push(keystore)
  return keystore
}

describeHere('a PKCS#11 token', () => {
  it.each(ANSWER_ALGORITHMS)(
    'makes a key for %s, signs many at once, and destroys it',
    async (algorithm) => {
      const token = await softHsm()
      const keystore = keystoreFor(token)
      const { name, publicKey } = await keystore.create(token.uri, 'countersign-g7', algorithm)
      expect(name).toMatch(
        /^pkcs11:token=the%20token;object=countersign-g7;id=(%[0-9a-f]{2}){16};type=private\?module-path=/,
      )
      expect(name).not.toContain(PIN)
      const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const }
      const signatures = await Promise.all(
        Array.from({ length: 40 }, () =>
          keystore.sign(name, algorithm, BYTES, new AbortController().signal),
        ),
      )
      expect(signatures.filter((each) => verify('sha256', BYTES, key, each))).toHaveLength(40)
      // Another process finds it by its name alone, as after a restart.
      const again = keystoreFor(token)
      expect(verify('sha256', BYTES, key, await again.sign(name, algorithm, BYTES, NEVER))).toBe(
        true,
      )
      await again.destroy(name)
      await again.destroy(name)
      await expect(again.sign(name, algorithm, BYTES, NEVER)).rejects.toThrow('not in the token')
    },
  )

  it('that refuses the PIN is not asked again before the file changes: it would be locked', async () => {
    const token = await softHsm()
    await writeFile(token.pinFile, 'wrong\n')
    const keystore = keystoreFor(token)
    const create = () => keystore.create(token.uri, 'x', 'ES256')
    await expect(create()).rejects.toThrow('CKR_PIN_INCORRECT')
    await expect(create()).rejects.toThrow('tried again when its file changes')
    await writeFile(token.pinFile, PIN)
    await until(async () =>
      create().then(
        () => true,
        () => false,
      ),
    )
  })

  it('that is away is an error at once, and is found again when it is back', async () => {
    const token = await softHsm()
    const first = keystoreFor(token)
    const { name } = await first.create(token.uri, 'x', 'ES256')
    await first.close()
    await token.take()
    const keystore = keystoreFor(token)
    const sign = () => keystore.sign(name, 'ES256', BYTES, NEVER)
    await expect(sign()).rejects.toThrow('the token')
    await token.putBack()
    await until(async () =>
      sign().then(
        () => true,
        () => false,
      ),
    )
  })

  it('whose objects vanish while it is open is an error, not an end', async () => {
    const token = await softHsm()
    const keystore = keystoreFor(token)
    const { name } = await keystore.create(token.uri, 'x', 'ES256')
    await keystore.sign(name, 'ES256', BYTES, NEVER)
    await token.remove()
    await expect(keystore.sign(name, 'ES256', BYTES, NEVER)).rejects.toThrow()
  })

  it('that does not exist, or whose module does not, is named', async () => {
    const token = await softHsm()
    const keystore = keystoreFor(token)
    const other = token.uri.replace('the%20token', 'another')
    await expect(keystore.create(other, 'x', 'ES256')).rejects.toThrow('no token of that name')
    const nowhere = token.uri.replace(/module-path=[^&]*/, 'module-path=/nowhere.so')
    await expect(keystore.create(nowhere, 'x', 'ES256')).rejects.toThrow('/nowhere.so')
    expect(() => keystore.check(token.uri)).not.toThrow()
    expect(() => keystore.check(`${token.uri}&pin-value=1`)).toThrow('pin-source')
  })

  it('whose process hangs is late, and is replaced when it has been silent for long', async () => {
    const token = await softHsm()
    const clock = settableClock()
    const keystore = createPkcs11Keystore({ clock, env: token.env })
    open.push(keystore)
    const before = children()
    const { name } = await keystore.create(token.uri, 'x', 'ES256')
    const [process_ = 0] = children().filter((each) => !before.includes(each))
    process.kill(process_, 'SIGSTOP')
    const late = () => keystore.sign(name, 'ES256', BYTES, AbortSignal.timeout(100))
    await expect(late()).rejects.toThrow('did not answer in time')
    const last = late()
    clock.advance(10_000)
    await expect(last).rejects.toThrow('did not answer in time')
    await until(async () =>
      keystore.sign(name, 'ES256', BYTES, AbortSignal.timeout(5_000)).then(
        () => true,
        () => false,
      ),
    )
    expect(children()).not.toContain(process_)
  })

  it('gives up when it is told to', async () => {
    const token = await softHsm()
    const keystore = keystoreFor(token)
    const { name } = await keystore.create(token.uri, 'x', 'ES256')
    const ended = new AbortController()
    const signing = keystore.sign(name, 'ES256', BYTES, ended.signal)
    ended.abort()
    await expect(signing).rejects.toThrow('did not answer in time')
    expect(await keystore.sign(name, 'ES256', BYTES, NEVER)).toHaveLength(64)
  })
})
