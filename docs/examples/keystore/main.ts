/** Starts the handler with a keystore of one's own; the policy file decides alone. */
import { readFile } from 'node:fs/promises'
import { createHandler } from 'countersign'
import { createAcmeKeystore } from './keystore.ts'

const token = async () => (await readFile('/run/secrets/acme-token', 'utf8')).trim()

const handler = createHandler({
  env: process.env,
  version: 'acme-keystore-1',
  keystores: { acme: async () => createAcmeKeystore({ fetch, token }) },
})

process.once('SIGTERM', () => void handler.stop())
await handler.start()
