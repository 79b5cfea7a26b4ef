/** Settings: what holds without them, and every way in which they can be wrong. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from '@jest/globals'
import { parseConfig } from '../../../handler/config/config.ts'
import type { Config } from '../../../handler/config/config.ts'
import { renderConfigDocs } from '../../../handler/config/config-docs.ts'
import { SETTINGS } from '../../../handler/config/settings.ts'
import { VERSION } from '../../../common/version.ts'

type Env = Record<string, string | undefined>

const ENOUGH: Env = { HANDLER_COSIGNER_KEYS: 'cosigners' }

function configOf(env: Env = {}): Config {
  const parsed = parseConfig({ ...ENOUGH, ...env })
  if (!parsed.ok) throw new Error(parsed.problems.join('; '))
  return parsed.config
}

function problemsOf(env: Env): readonly string[] {
  const parsed = parseConfig({ ...ENOUGH, ...env })
  return parsed.ok ? [] : parsed.problems
}

describe('without settings', () => {
  it('asks for nothing but the co-signer keys', () => {
    expect(parseConfig({})).toMatchObject({
      ok: false,
      problems: ['`HANDLER_COSIGNER_KEYS`: required, a PEM public key or a directory of them'],
    })
  })

  it('has the documented defaults', () => {
    expect(configOf()).toEqual({
      stateDir: './state',
      keysDir: 'state/keys',
      newAnswerKey: { algorithm: 'RS256', oneKey: false, signer: 'file' },
      destroyAnswerKeys: true,
      slots: [
        {
          slot: 'A',
          publicUrl: { url: 'https://localhost:8443', hostname: 'localhost', port: 8443, path: '' },
          listen: { host: '0.0.0.0', port: 8443 },
        },
        {
          slot: 'B',
          publicUrl: { url: 'https://localhost:8444', hostname: 'localhost', port: 8444, path: '' },
          listen: { host: '0.0.0.0', port: 8444 },
        },
      ],
      auth: 'hybrid',
      tls: { mode: 'self-signed' },
      cosignerKeys: 'cosigners',
      allowedCidrs: undefined,
      policyFile: './policy.yaml',
      shadowPolicyFile: undefined,
      storePath: 'state/decisions.db',
      adminSocket: 'state/admin.sock',
      opsListen: { host: '127.0.0.1', port: 9464 },
      cosignerRetryMs: 3_600_000,
      silenceAlarmMs: undefined,
      deadlineMs: 25_000,
      maxBodyBytes: 8_388_608,
      passphraseFile: undefined,
      logLevel: 'info',
    })
  })

  it('is frozen all the way down', () => {
    const { slots } = configOf()
    expect(Object.isFrozen(slots)).toBe(true)
    expect(Object.isFrozen(slots[0]?.publicUrl)).toBe(true)
  })
})

// A Service called `handler` in the namespace kept every pod of it down: `HANDLER_PORT`: no such setting.
describe('variables of a Service', () => {
  const links = {
    HANDLER_PORT: 'tcp://10.96.7.12:8443',
    HANDLER_SERVICE_HOST: '10.96.7.12',
    HANDLER_SERVICE_PORT: '8443',
    HANDLER_SERVICE_PORT_CALLBACKS: '8443',
    HANDLER_PORT_8443_TCP: 'tcp://10.96.7.12:8443',
    HANDLER_PORT_8443_TCP_PROTO: 'tcp',
    HANDLER_PORT_8443_TCP_PORT: '8443',
    HANDLER_PORT_8443_TCP_ADDR: '10.96.7.12',
    HANDLER_OPS_PORT: 'tcp://10.96.7.13:9464',
    HANDLER_OPS_SERVICE_HOST: '10.96.7.13',
  }

  it('are ignored, and that is said once', () => {
    const parsed = parseConfig({ HANDLER_COSIGNER_KEYS: 'keys', ...links })
    expect(parsed).toMatchObject({ ok: true })
    const warnings = parsed.ok ? parsed.warnings : []
    expect(warnings).toEqual([expect.stringMatching(/^ignored, set for a Service/)])
    for (const name of Object.keys(links)) expect(warnings[0]).toContain(name)
  })

  it('are told from misspelt settings by the URL among them', () => {
    expect(problemsOf({ HANDLER_PORT: '8443' })).toHaveLength(1)
    expect(problemsOf({ HANDLER_SERVICE_HOST: 'x' })).toHaveLength(1)
    expect(problemsOf({ ...links, HANDLER_STATE: 'x' })).toHaveLength(1)
  })
})

describe('one wrong setting', () => {
  const cases: readonly [Env, string][] = [
    [{ HANDLER_AUTHH: 'x' }, '`HANDLER_AUTHH`: no such setting, did you mean `HANDLER_AUTH`'],
    [{ HANDLER_COMPLETELY_ELSE: 'x' }, '`HANDLER_COMPLETELY_ELSE`: no such setting'],
    [{ HANDLER_AUTH: '' }, '`HANDLER_AUTH`: is empty, give a value or do not set it'],
    [
      { HANDLER_AUTH: 'jwt' },
      '`HANDLER_AUTH`: `jwt` is not one of `hybrid`, `public-key`, `certificate`',
    ],
    [{ HANDLER_PUBLIC_URL: 'nix' }, '`HANDLER_PUBLIC_URL`: `nix` is not a URL'],
    [
      { HANDLER_PUBLIC_URL: 'http://a.example' },
      '`HANDLER_PUBLIC_URL`: `http://a.example` is not an https URL',
    ],
    [
      { HANDLER_PUBLIC_URL: 'https://a.example/' },
      '`HANDLER_PUBLIC_URL`: `https://a.example/` ends in a slash',
    ],
    [
      { HANDLER_PUBLIC_URL: 'https://a.example/x/v2' },
      '`HANDLER_PUBLIC_URL`: `https://a.example/x/v2` ends in `/v2`, which the co-signer appends itself',
    ],
    [
      { HANDLER_PUBLIC_URL: 'https://a.example?q' },
      '`HANDLER_PUBLIC_URL`: `https://a.example?q` has a query or a fragment',
    ],
    [
      { HANDLER_PUBLIC_URL: 'https://u@a.example' },
      '`HANDLER_PUBLIC_URL`: a public URL carries no user name or password',
    ],
    [
      { HANDLER_PUBLIC_URL: 'https://a.example/%41' },
      '`HANDLER_PUBLIC_URL`: the path of `https://a.example/%41` has other characters than A-Z a-z 0-9 . _ ~ -',
    ],
    [
      { HANDLER_PUBLIC_URL: 'https://A.example:443' },
      '`HANDLER_PUBLIC_URL`: `https://A.example:443` must be written `https://a.example`',
    ],
    [
      { HANDLER_PUBLIC_URL: 'https://a.example,,' },
      '`HANDLER_PUBLIC_URL`: an empty value in the list',
    ],
    [
      { HANDLER_PUBLIC_URL: 'https://a.example:1,https://a.example:1' },
      '`HANDLER_PUBLIC_URL`: `https://a.example:1` is given twice',
    ],
    [
      { HANDLER_PUBLIC_URL: 'https://a.example/x,https://a.example/y' },
      '`HANDLER_PUBLIC_URL`: slots A and B share an address, so they need different host names',
    ],
    [
      { HANDLER_PUBLIC_URL: 'https://127.0.0.1,https://a.example' },
      '`HANDLER_PUBLIC_URL`: slots A and B share an address, so they need host names, not IP addresses',
    ],
    [
      { HANDLER_LISTEN: '127.0.0.1:8443' },
      '`HANDLER_LISTEN`: 1 addresses for 2 public URLs, expected one each',
    ],
    [
      { HANDLER_LISTEN: '127.0.0.1:8443,0.0.0.0:8443' },
      '`HANDLER_LISTEN`: slots A and B overlap on port 8443',
    ],
    [
      { HANDLER_LISTEN: '127.0.0.1:0,127.0.0.1:1' },
      '`HANDLER_LISTEN`: `127.0.0.1:0` is not `host:port`',
    ],
    [{ HANDLER_TLS: 'files' }, '`HANDLER_TLS_CERT_FILE`: required with `HANDLER_TLS=files`'],
    [
      { HANDLER_TLS_KEY_FILE: 'key.pem' },
      '`HANDLER_TLS_KEY_FILE`: not used with `HANDLER_TLS=self-signed`, unset it',
    ],
    [
      { HANDLER_ALLOWED_CIDRS: '10.0.0.0/33' },
      '`HANDLER_ALLOWED_CIDRS`: `10.0.0.0/33` is not an address range such as `10.0.0.0/8`',
    ],
    [
      { HANDLER_STORE: 'postgres://host/db' },
      '`HANDLER_STORE`: PostgreSQL is not supported in this version, give a file path',
    ],
    [{ HANDLER_STORE: 'sqlite://x' }, '`HANDLER_STORE`: expected a file path, not a URL'],
    [
      { HANDLER_DEADLINE_MS: '30000' },
      '`HANDLER_DEADLINE_MS`: `30000` is not an integer from 1000 to 29000',
    ],
    [
      { HANDLER_MAX_BODY_BYTES: '1e6' },
      '`HANDLER_MAX_BODY_BYTES`: `1e6` is not an integer from 4096 to 33554432',
    ],
    [
      { HANDLER_AUTH: 'certificate', HANDLER_ALLOWED_CIDRS: '::1' },
      '`HANDLER_COSIGNER_KEYS`: not used with `HANDLER_AUTH=certificate`, unset it',
    ],
    [
      { HANDLER_AUTH: 'certificate', HANDLER_ANSWER_SIGNER: 'kms:eu-west-1/payouts' },
      '`HANDLER_ANSWER_SIGNER`: not used with `HANDLER_AUTH=certificate`, answers are not signed',
    ],
    [
      { HANDLER_AUTH: 'certificate', HANDLER_ANSWER_ALGORITHM: 'ES256' },
      '`HANDLER_ANSWER_ALGORITHM`: not used with `HANDLER_AUTH=certificate`, answers are not signed',
    ],
    [
      { HANDLER_AUTH: 'certificate', HANDLER_COSIGNER_KEYS: undefined },
      '`HANDLER_ALLOWED_CIDRS`: required, callers are not authenticated in this mode',
    ],
    [
      { HANDLER_STATE_DIR: 'x'.repeat(100) },
      '`HANDLER_ADMIN_SOCKET`: the path is longer than 103 bytes',
    ],
    [{ HANDLER_STATE_DIR: 'a\0b' }, '`HANDLER_STATE_DIR`: a path cannot hold a NUL character'],
  ]
  it.each(cases)('%j is named', (env, problem) => {
    expect(problemsOf(env)).toContain(problem)
  })

  it('too many values are refused', () => {
    const many = Array.from({ length: 27 }, (_, n) => `https://h${n}.example`).join(',')
    expect(problemsOf({ HANDLER_PUBLIC_URL: many })).toEqual([
      '`HANDLER_PUBLIC_URL`: more than 26 values',
    ])
  })
})

it('several wrong settings are all named at once, and what could be read is told', () => {
  const parsed = parseConfig({
    HANDLER_AUTH: 'nix',
    HANDLER_TLS: 'nix',
    HANDLER_LISTEN: 'nix',
    HANDLER_POLICY_FILE: 'p.yaml',
    HANDLER_COSIGNER_KEYS: 'keys',
    HANDLER_KEY_PASSPHRASE_FILE: 'pass',
  })
  if (parsed.ok) throw new Error('it parsed')
  expect(parsed.problems.map((problem) => problem.split('`')[1])).toEqual([
    'HANDLER_LISTEN',
    'HANDLER_AUTH',
    'HANDLER_TLS',
  ])
  expect(parsed.known).toEqual({
    stateDir: './state',
    policyFile: 'p.yaml',
    cosignerKeys: 'keys',
    passphraseFile: 'pass',
  })
})

describe('legal settings', () => {
  it('slots at one address are told apart by their host names', () => {
    const { slots } = configOf({ HANDLER_PUBLIC_URL: 'https://a.example/cb,https://b.example/cb' })
    expect(slots.map(({ listen }) => listen)).toEqual([
      { host: '0.0.0.0', port: 443 },
      { host: '0.0.0.0', port: 443 },
    ])
    expect(slots[0]?.publicUrl.path).toBe('/cb')
  })

  it('one address and one name is enough when no certificate tells slots apart', () => {
    const env = {
      HANDLER_TLS: 'off',
      HANDLER_PUBLIC_URL: 'https://a.example/x,https://a.example/y',
    }
    expect(configOf(env).slots).toHaveLength(2)
  })

  it('there is one key for both where answers are not signed', () => {
    const env = { HANDLER_AUTH: 'certificate', HANDLER_ALLOWED_CIDRS: '::1' }
    const { newAnswerKey } = configOf({ ...env, HANDLER_COSIGNER_KEYS: undefined })
    expect(newAnswerKey).toEqual({ algorithm: 'RS256', oneKey: true, signer: 'file' })
  })

  it('ports are shared by different addresses of this machine', () => {
    const { slots } = configOf({ HANDLER_LISTEN: '127.0.0.1:8443,[::1]:8443' })
    expect(slots[1]?.listen).toEqual({ host: '::1', port: 8443 })
  })

  it('address ranges may be single addresses', () => {
    const { allowedCidrs } = configOf({ HANDLER_ALLOWED_CIDRS: '10.0.0.0/8, ::1' })
    expect(allowedCidrs).toEqual([
      { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
      { address: '::1', prefix: 128, family: 'ipv6' },
    ])
  })

  it('certificate files come in pairs', () => {
    const files = { HANDLER_TLS_CERT_FILE: 'c.pem', HANDLER_TLS_KEY_FILE: 'k.pem' }
    const { tls } = configOf({ HANDLER_TLS: 'files', ...files })
    expect(tls).toEqual({ mode: 'files', certFile: 'c.pem', keyFile: 'k.pem' })
  })

  it.each([
    [{ HANDLER_AUTH: 'public-key' }, 1],
    [{ HANDLER_TLS: 'off' }, 1],
    [{ HANDLER_TLS: 'off', HANDLER_ALLOWED_CIDRS: '::1' }, 2],
    [{}, 0],
  ] as const)('%j is worth %d warnings', (env, count) => {
    const parsed = parseConfig({ ...ENOUGH, ...env })
    expect(parsed.ok && parsed.warnings.length).toBe(count)
  })

  it('variables of others are none of our business', () => {
    expect(problemsOf({ PATH: '/bin', HANDLERX: 'x' })).toEqual([])
  })
})

it('no text in any setting makes it throw, and every problem is one line that names its setting', () => {
  const names = Object.values(SETTINGS).map(({ name }) => name)
  const env = fc.dictionary(fc.constantFrom(...names, 'HANDLER_X'), fc.string({ unit: 'binary' }))
  fc.assert(
    fc.property(env, (values) => {
      const parsed = parseConfig(values)
      const problems = parsed.ok ? [] : parsed.problems
      expect(problems.every((problem) => problem.startsWith('`HANDLER_'))).toBe(true)
    }),
    { numRuns: 500 },
  )
})

it('docs/configuration.md is what the table prints', () => {
  const file = join(import.meta.dirname, '../../../docs/configuration.md')
  expect(readFileSync(file, 'utf8')).toBe(renderConfigDocs())
})

it('the version is the one of package.json', () => {
  const file = join(import.meta.dirname, '../../../package.json')
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ version: VERSION })
})

describe('the address of the page', () => {
  it.each([
    ['https://console.test', 'console.test', 'console.test', true],
    ['https://console.test:8443', 'console.test:8443', 'console.test', true],
    ['http://localhost:9464', 'localhost:9464', 'localhost', false],
  ])('may be %s', (origin, host, hostname, isSecure) => {
    const { consoleUrl } = configOf({ HANDLER_CONSOLE_URL: origin })
    expect(consoleUrl).toEqual({ origin, host, hostname, isSecure })
  })

  it.each([
    ['http://console.test', 'browsers have passkeys at no other'],
    ['http://a.localhost:9464', 'browsers have passkeys at no other'],
    ['http://127.0.0.1:9464', 'browsers have passkeys at no other'],
    ['https://10.0.0.1', 'names an address'],
    ['https://[::1]', 'names an address'],
    ['https://console.test/', 'must be written `https://console.test`'],
    ['https://Console.test', 'must be written `https://console.test`'],
    ['https://console.test/page', 'must be written `https://console.test`'],
    ['https://console.test:443', 'must be written `https://console.test`'],
    ['console.test', 'is not a URL'],
  ])('may not be %s', (url, problem) => {
    expect(problemsOf({ HANDLER_CONSOLE_URL: url })).toEqual([expect.stringContaining(problem)])
  })
})
