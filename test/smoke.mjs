/** `npm run smoke`: the built programs start under plain Node, and the handler accepts a fresh installation. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '../dist/certs/generate.js'

const directory = mkdtempSync(join(tmpdir(), 'countersign-smoke-'))
const run = (args, env = {}) =>
  execFileSync(process.execPath, args, {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })

try {
  const { publicKeyPem } = await generateKeyPair(2048)
  writeFileSync(join(directory, 'cosigner.pem'), publicKeyPem)
  writeFileSync(join(directory, 'policy.yaml'), 'version: 1\ndefault: REJECT\nrules: []\n')
  process.stdout.write(
    run(['dist/handler/main.js', 'check'], {
      HANDLER_STATE_DIR: join(directory, 'state'),
      HANDLER_COSIGNER_KEYS: join(directory, 'cosigner.pem'),
      HANDLER_POLICY_FILE: join(directory, 'policy.yaml'),
    }),
  )
  for (const program of ['handler', 'bootstrap', 'emulator']) {
    const help = run([`dist/${program}/main.js`, '--help'])
    if (!help.includes('Usage:')) throw new Error(`dist/${program}/main.js has no help`)
    process.stdout.write(`dist/${program}/main.js --help: ok\n`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
