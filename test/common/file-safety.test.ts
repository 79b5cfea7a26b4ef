/** The one rule for owner and mode, on real files; what only root can arrange is skipped for other users. */
import { chmod, chown, mkdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { readPrivateFile } from '../../common/atomic-file.ts'
import { type Need, openToOthers, setBackModes, unsafeReason } from '../../common/file-safety.ts'
import { temporaryDirectory } from '../fixtures/temporary-directory.ts'

const uid = process.geteuid?.() ?? 0
const gid = process.getegid?.() ?? 0
const STRANGER = 65_534
const asRoot = uid === 0 ? describe : describe.skip

function reason(need: Need, mode: number, more: object = {}, sticky = false): string | undefined {
  return unsafeReason('/no/such/file', { mode, uid, gid, ...more }, need, { sticky })
}

describe('a secret', () => {
  it.each([0o600, 0o400, 0o640, 0o440])('may have the mode %o', (mode) => {
    expect(reason('secret', mode)).toBeUndefined()
    expect(reason('secret', mode, { uid: 0 })).toBeUndefined()
  })

  it.each([0o604, 0o644, 0o666, 0o601])('may not have the mode %o', (mode) => {
    expect(reason('secret', mode)).toMatch(/^can be read by other users \(mode 0\d+\)$/)
  })

  it('may be readable by a group of this process, and by no other', () => {
    expect(reason('secret', 0o640, { gid: STRANGER })).toMatch(/can be read by other users/)
    expect(reason('secret', 0o660)).toMatch(/can be written by other users/)
  })
})

describe('a file that decides', () => {
  it.each([0o644, 0o600, 0o755, 0o444])('may have the mode %o', (mode) => {
    expect(reason('trusted', mode)).toBeUndefined()
  })

  it.each([0o664, 0o646, 0o666, 0o777])('may not have the mode %o', (mode) => {
    expect(reason('trusted', mode)).toMatch(/^can be written by other users/)
    expect(reason('trusted', mode, {}, true)).toMatch(/^can be written by other users/)
  })

  it('may be in a directory with the sticky bit where its own owner counts', () => {
    expect(reason('trusted', 0o1777)).toMatch(/can be written/)
    expect(reason('trusted', 0o1777, {}, true)).toBeUndefined()
  })

  it.each(['secret', 'trusted'] as const)('as %s belongs to this user or to root', (need) => {
    expect(reason(need, 0o600, { uid: STRANGER + 1 })).toBe(
      `belongs to another user (uid ${STRANGER + 1})`,
    )
  })

  it('may have any mode on a mount that is read-only', async () => {
    // /sys is one in most containers; where it is not, there is nothing to see.
    const mounts = ['/sys/kernel', '/proc/sys']
    const { accessSync, constants } = await import('node:fs')
    const readOnly = mounts.filter((path) => {
      try {
        accessSync(path, constants.W_OK)
        return false
      } catch (error) {
        return error instanceof Error && error.message.startsWith('EROFS')
      }
    })
    for (const path of readOnly) {
      expect(unsafeReason(path, { mode: 0o777, uid: 0, gid: 0 }, 'trusted')).toBeUndefined()
    }
  })
})

describe('own modes', () => {
  async function volume() {
    const root = await temporaryDirectory()
    await mkdir(join(root, 'keys', 'g1'), { recursive: true })
    const files = ['keys/g1/private.pem', 'generations.json', 'fine']
    for (const name of files) await writeFile(join(root, name), 'x')
    for (const name of ['keys', 'keys/g1']) await chmod(join(root, name), 0o2770)
    await chmod(join(root, 'keys/g1/private.pem'), 0o660)
    await chmod(join(root, 'generations.json'), 0o660)
    await chmod(join(root, 'fine'), 0o600)
    await symlink('/etc/passwd', join(root, 'link'))
    return root
  }

  it('are found below a directory, links not followed, and set back', async () => {
    const root = await volume()
    const found = await openToOthers([root], 4)
    expect(found.map((path) => path.slice(root.length)).toSorted()).toEqual(
      ['/generations.json', '/keys', '/keys/g1', '/keys/g1/private.pem'].toSorted(),
    )
    const passwd = (await stat('/etc/passwd')).mode
    await setBackModes(found)
    expect((await stat(join(root, 'keys/g1'))).mode & 0o7777).toBe(0o700)
    expect((await stat(join(root, 'keys/g1/private.pem'))).mode & 0o777).toBe(0o600)
    expect((await stat('/etc/passwd')).mode).toBe(passwd)
    expect(await openToOthers([root], 4)).toEqual([])
  })

  it('do not keep a file of ours from being read before that', async () => {
    const path = join(await volume(), 'keys/g1/private.pem')
    await expect(readPrivateFile(path)).rejects.toThrow(/can be written by other users/)
    expect(await readPrivateFile(path, { ours: true })).toBe('x')
  })

  asRoot('of another user', () => {
    it('are left alone, and his file is never ours', async () => {
      const root = await volume()
      const path = join(root, 'keys/g1/private.pem')
      await chown(path, STRANGER, STRANGER)
      expect(await openToOthers([path], 0)).toEqual([])
      await setBackModes([path])
      expect((await stat(path)).mode & 0o777).toBe(0o660)
      await expect(readPrivateFile(path, { ours: true })).rejects.toThrow(/belongs to another user/)
    })
  })
})
