/** The keystores that this release knows, and those that a team brings. */
import { systemClock, systemSleep } from '../../common/clock.ts'
import {
  createKeystores,
  type Keystores,
  type OpenKeystore,
} from '../generations/signers/keystores.ts'

/** Libraries are loaded, and anybody is asked, only once a key of that scheme is needed. */
export function openKeystores(
  env: Readonly<Record<string, string | undefined>>,
  more: Readonly<Record<string, OpenKeystore>> = {},
): Keystores {
  return createKeystores({
    ...more,
    vault: async () => {
      const { createVaultKeystore } = await import('../generations/signers/vault.ts')
      return createVaultKeystore({ fetch })
    },
    kms: async () => {
      const { createKmsKeystore } = await import('../generations/signers/kms.ts')
      return createKmsKeystore({ sleep: systemSleep })
    },
    pkcs11: async () => {
      const { createPkcs11Keystore } = await import('../generations/signers/pkcs11.ts')
      return createPkcs11Keystore({ clock: systemClock, env })
    },
  })
}
