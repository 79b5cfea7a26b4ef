/** Where the presented certificates come from: the generations, two files, or nowhere at all. */
import type { TlsConfig } from '../config/config.ts'
import type { ServedCertificate } from './generation-info.ts'
import { presentedIn } from './generation-states.ts'
import type { RegistryState } from './generation-states.ts'
import type { Keyring } from './keyring.ts'
import type { TlsPair } from '../../certs/store.ts'
import { followFilePair } from './tls-files.ts'
import type { FilePair, PairChange } from './tls-files.ts'

export interface Certificates {
  /** What a slot presents in this state of the generations; undefined when it has nothing to present. */
  readonly presented: (slot: string, state: RegistryState) => TlsPair | undefined
  /** The one certificate of all slots, when it does not come from the generations. */
  readonly served: () => ServedCertificate | undefined
  /** Looks whether the files have changed; undefined when they have not, or when there are none. */
  readonly poll: () => Promise<PairChange | undefined>
}

/** The certificates of the chosen mode. */
export function createCertificates(
  tls: TlsConfig,
  filePair: FilePair | undefined,
  keyring: Keyring,
): Certificates {
  if (tls.mode === 'files' && filePair !== undefined) {
    const files = followFilePair(tls.certFile, tls.keyFile, filePair)
    return { presented: files.current, served: files.current, poll: files.poll }
  }
  return {
    served: () => undefined,
    poll: nothingChanged,
    presented: (slot, state) => {
      const usable = keyring.entries().filter((entry) => entry.signer !== undefined)
      const chosen = presentedIn(state, slot, usable)
      if (chosen === undefined) return undefined
      const key = chosen.tlsKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      return { cert: chosen.certificatePem, key }
    },
  }
}

async function nothingChanged(): Promise<undefined> {
  return undefined
}
