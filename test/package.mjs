/**
 * `npm run test:package`: packs the project, installs the file into an empty folder and runs the three commands by their
 * names, as somebody does who never saw the sources. Where Node.js has SQLite, the handler is started, too.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

const project = resolve(import.meta.dirname, '..')
const directory = mkdtempSync(join(tmpdir(), 'countersign-package-'))
const home = join(directory, 'home')
const say = (text) => process.stdout.write(`${text}\n`)
const npm = (args, cwd) =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
const env = {
  ...process.env,
  PATH: [join(home, 'node_modules/.bin'), process.env.PATH].join(delimiter),
  HANDLER_STATE_DIR: join(home, 'state'),
  HANDLER_COSIGNER_KEYS: join(home, 'emulator-state/cosigner-public.pem'),
  HANDLER_POLICY_FILE: join(home, 'policy.yaml'),
}
const typed = (command, ...args) =>
  execFileSync(command, args, { cwd: home, encoding: 'utf8', env })

/** Starts a command and waits for a word of its output; gives the way to end it, which checks the exit code. */
async function started(word, command, ...args) {
  const child = spawn(command, args, { cwd: home, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), 120_000)
  let text = ''
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += chunk
    if (text.includes(word)) break
  }
  child.stdout.resume()
  clearTimeout(timer)
  if (!text.includes(word)) throw new Error(`\`${command}\` did not say \`${word}\`: ${text}`)
  say(`${command}: ${word}`)
  return async () => {
    if (child.exitCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    if (child.exitCode !== 0) throw new Error(`\`${command}\` ended with ${child.exitCode}`)
  }
}

const ending = []
try {
  npm(['pack', '--silent', '--pack-destination', directory], project)
  const [archive] = readdirSync(directory).filter((name) => name.endsWith('.tgz'))
  mkdirSync(home)
  writeFileSync(join(home, 'package.json'), '{"private":true}\n')
  // The addon for Node.js 20 is the one optional package; it is not needed for what is typed there.
  const quiet = ['--silent', '--no-audit', '--no-fund', '--omit=optional']
  npm(['install', ...quiet, join(directory, archive)], home)
  const files = readdirSync(join(home, 'node_modules/countersign'), { recursive: true })
  const stray = files.filter((name) => /^(test|bench|dist\/(test|bench))\b/.test(name))
  if (stray.length > 0) throw new Error(`packed by mistake: ${stray.slice(0, 5).join(', ')}`)
  say(`${archive}: ${files.length} files and folders`)

  const { freePorts } = await import('../dist/emulator/demo/programs.js')
  const [port, opsPort] = await freePorts(2)
  env.HANDLER_PUBLIC_URL = `https://localhost:${port}`
  env.HANDLER_OPS_LISTEN = `127.0.0.1:${opsPort}`

  const { version, bin } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  for (const command of Object.keys(bin)) {
    if (typed(command, '--version').trim() !== version) throw new Error(`${command} --version`)
    if (!typed(command, '--help').includes(`Usage: ${command}`))
      throw new Error(`${command} --help`)
    if (!typed(command, 'completion', 'bash').includes(command))
      throw new Error(`${command} completion`)
    say(`${command} ${version}`)
  }

  ending.push(await started('ready:', 'countersign-emulator', '--listen', '127.0.0.1:0'))
  writeFileSync(join(home, 'policy.yaml'), 'version: 1\ndefault: REJECT\nrules: []\n')
  say(typed('countersign-handler', 'policy', 'check', 'policy.yaml').trim())
  // An optional peer is not installed with the package, and its absence is a sentence.
  const kms = { ...env, HANDLER_ANSWER_SIGNER: 'kms:eu-west-1/payouts' }
  const checked = spawnSync('countersign-handler', ['check'], { cwd: home, env: kms })
  const printed = [checked.stdout, checked.stderr].map(String).join('')
  if (!printed.includes('`@aws-sdk/client-kms` is not installed')) {
    throw new Error(`the client of AWS KMS should be missing: ${printed}`)
  }
  say('countersign-handler check: the client of AWS KMS is missing')
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 16)) {
    ending.push(await started('"msg":"ready"', 'countersign-handler', 'run'))
  } else {
    say(`countersign-handler run: not on Node.js ${major} without the addon`)
  }
  while (ending.length > 0) await ending.pop()()
  say('installed and run')
} finally {
  for (const end of ending) await end().catch(() => undefined)
  rmSync(directory, { recursive: true, force: true })
}
