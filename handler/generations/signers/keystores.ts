/** The keystores by the scheme of their names; each is made when it is first needed, and loads its library then. */
import { type Keystore, KeystoreError, schemeOf } from './keystore.ts'

/** Makes a keystore; called once. */
export type OpenKeystore = () => Promise<Keystore>

export interface Keystores {
  /** @throws KeystoreError when there is none for the name */
  readonly of: (name: string) => Promise<Keystore>
  readonly has: (name: string) => boolean
  readonly close: () => Promise<void>
}

/** Keystores of these schemes. */
export function createKeystores(open: Readonly<Record<string, OpenKeystore>>): Keystores {
  const opened = new Map<string, Promise<Keystore>>()
  let closed = false
  const has = (name: string) => Object.hasOwn(open, schemeOf(name))
  return {
    has,
    async of(name) {
      // A signature that was late would open its keystore again, for good.
      if (closed) throw new KeystoreError('the keystores are closed')
      const scheme = schemeOf(name)
      const make = has(name) ? open[scheme] : undefined
      if (make === undefined) {
        const known = Object.keys(open).join(', ')
        throw new KeystoreError(`no keystore is known for \`${scheme}:\`; known are ${known}`)
      }
      const keystore = opened.get(scheme) ?? make()
      opened.set(scheme, keystore)
      // A library that is missing may be installed, and then the next call finds it.
      keystore.catch(() => opened.delete(scheme))
      return keystore
    },
    async close() {
      closed = true
      const all = await Promise.allSettled(opened.values())
      opened.clear()
      await Promise.all(
        all.flatMap((each) => (each.status === 'fulfilled' ? [each.value.close()] : [])),
      )
    },
  }
}
