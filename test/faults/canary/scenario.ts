/** A whole life with the most talkative log: nothing that anybody gets to see holds a piece of a secret. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runToEnd, startService } from '../../../emulator/demo/programs.ts'
import { readTokens } from '../records.ts'
import { createHome, startHandler } from '../rig.ts'
import type { Context } from '../scenario.ts'
import { show, wholeLife } from './life.ts'
import type { EmulatorJson, Life } from './life.ts'
import { recordTokens } from './recorder.ts'
import { leaks, secretsBelow } from './secrets.ts'
import type { Known, Secret } from './secrets.ts'

export async function canary(context: Context): Promise<void> {
  const { report, world, short } = context
  const root = join(world.root, 'canary')
  const emulatorDir = join(root, 'emulator')
  await mkdir(emulatorDir, { recursive: true, mode: 0o700 })
  const passphrase = randomBytes(30).toString('base64url')
  await writeFile(join(root, 'passphrase'), `${passphrase}\n`, { mode: 0o600 })
  const listen = ['--listen', '127.0.0.1:0', '--dir', emulatorDir, '--auto-approve', '200']
  const emulator = await startService('emulator/main.js', listen, {}, 'ready')
  const remote: EmulatorJson = JSON.parse(
    await readFile(join(emulatorDir, 'emulator.json'), 'utf8'),
  )
  const recorder = await recordTokens(remote.apiBasePath)
  const home = await createHome(world, 'canary', {
    env: {
      HANDLER_COSIGNER_KEYS: remote.cosignerPublicKeyPath,
      HANDLER_KEY_PASSPHRASE_FILE: join(root, 'passphrase'),
      HANDLER_LOG_LEVEL: 'trace',
    },
  })
  const handler = await startHandler(home)
  const env = {
    FIREBLOCKS_API_KEY: remote.apiKey,
    FIREBLOCKS_SECRET_KEY_PATH: remote.secretKeyPath,
    FIREBLOCKS_BASE_PATH: recorder.basePath,
  }
  const life: Life = { world, home, handler, remote, env, outputs: [], report }
  const bodies = await wholeLife(life, short)
  await handler.stop()
  await emulator.stop()
  recorder.close()
  await collect(life)
  const onDisk = await secretsBelow(root, passphrase)
  const tokens = [...bodies, ...(await readTokens(home))]
  const secrets: Secret[] = [
    ...onDisk.secrets,
    ...[...recorder.tokens].map((text) => ({ name: 'API token', text: signatureOf(text) })),
    ...tokens.map((text) => ({ name: 'callback token', text: signatureOf(text) })),
  ]
  const known = { ...onDisk, secrets }
  const kinds = new Set(secrets.map(({ name }) => name.replace(/.*\//, '')))
  for (const kind of [
    'passphrase',
    'private.pem',
    'tls.pem',
    'API token',
    'callback token',
    'pairing token',
  ]) {
    report.must(kinds.has(kind), 'the canary knows every kind of secret', {
      kind,
      kinds: [...kinds],
    })
  }
  const found = leaks(known, life.outputs)
  const size = life.outputs.reduce((sum, { text }) => sum + text.length, 0)
  report.count('secrets looked for', secrets.length)
  report.count('kB searched for secrets', Math.round(size / 1_000))
  report.count('secrets found', found.length)
  report.must(found.length === 0, 'no output holds a piece of a secret', found)
  report.must(planted(known), 'the search finds what is planted')
  report.say(`${secrets.length} secrets, ${life.outputs.length} outputs`)
}

/** The handler's own output, the audit export without evidence, and the bootstrapper's journals. */
async function collect(life: Life): Promise<void> {
  const { home, handler, outputs } = life
  outputs.push({ name: 'log', text: handler.lines.join('\n') })
  outputs.push({ name: 'handler stderr', text: handler.stderr() })
  const place = ['--state-dir', home.stateDir]
  show(life, 'audit export', await runToEnd('handler/main.js', ['audit', 'export', ...place], {}))
  show(life, 'audit verify', await runToEnd('handler/main.js', ['audit', 'verify', ...place], {}))
  const journals = join(home.stateDir, 'bootstrap')
  for (const file of await readdir(journals, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || file.name === 'pairing-token') continue
    const text = await readFile(join(file.parentPath, file.name), 'utf8')
    if (!text.includes('PRIVATE KEY')) outputs.push({ name: `journal ${file.name}`, text })
  }
}

function signatureOf(token: string): string {
  return token.slice(token.lastIndexOf('.') + 1).trim()
}

/** A search that finds nothing must be able to find something. */
function planted(known: Known): boolean {
  const { secrets } = known
  const hidden = secrets.map(({ name, text }) => ({ name, text: `x${text.slice(-30)}` }))
  const found = leaks(known, hidden)
  return secrets.every(({ name }) => found.some((leak) => leak.startsWith(name)))
}
