/** Settings of the handler in one table: name, default, parser and the sentence that documents it. */
import { ANSWER_ALGORITHMS } from '../../common/answer-algorithm.ts'
import {
  cidr,
  consoleUrl,
  duration,
  integer,
  listenAddress,
  listOf,
  oneOf,
  path,
  publicUrl,
  signer,
  storePath,
} from './config-values.ts'

/** One setting: how it is called, read and explained. */
export interface Setting<T> {
  readonly name: string
  /** Text used when the variable is not set. */
  readonly fallback?: string
  /** What holds without a value, in words, when there is no `fallback`. */
  readonly otherwise?: string
  readonly parse: (text: string) => T
  /** One sentence for the documentation. */
  readonly meaning: string
}

function setting<T>(value: Setting<T>): Setting<T> {
  return value
}

const PORT = 8443

/** The table, in the order of the documentation; `docs/configuration.md` is printed from it. */
export const SETTINGS = {
  stateDir: setting({
    name: 'HANDLER_STATE_DIR',
    fallback: './state',
    parse: path,
    meaning:
      'Directory for `keys/`, `generations.json`, the decisions and the admin socket; made with mode 0700 when absent.',
  }),
  publicUrls: setting({
    name: 'HANDLER_PUBLIC_URL',
    fallback: `https://localhost:${PORT},https://localhost:${PORT + 1}`,
    parse: listOf(publicUrl, 26),
    meaning:
      'Base URLs that the co-signer will be given, without `/v2`, separated by commas: one slot each (A, B, …). Two let a pinned certificate rotate without a gap.',
  }),
  listen: setting({
    name: 'HANDLER_LISTEN',
    otherwise: 'the ports of the public URLs on `0.0.0.0`',
    parse: listOf(listenAddress, 26),
    meaning:
      'Addresses to bind, `host:port` separated by commas, one per public URL. Slots at equal addresses are distinguished by the host name of the TLS handshake (SNI).',
  }),
  auth: setting({
    name: 'HANDLER_AUTH',
    fallback: 'hybrid',
    parse: oneOf('hybrid', 'public-key', 'certificate'),
    meaning:
      'How co-signer and handler authenticate each other: `hybrid` (signed tokens and a pinned certificate), `public-key` (signed tokens, CA-trusted TLS) or `certificate` (plain JSON, only the handler is authenticated, by its pinned certificate).',
  }),
  tls: setting({
    name: 'HANDLER_TLS',
    fallback: 'self-signed',
    parse: oneOf('self-signed', 'files', 'off'),
    meaning:
      'Certificate that is presented: `self-signed` (the one of the generation), `files` (the two files below, read again when they change) or `off` (plain HTTP: a proxy in front terminates TLS).',
  }),
  tlsCertFile: setting({
    name: 'HANDLER_TLS_CERT_FILE',
    otherwise: 'none; required with `HANDLER_TLS=files`',
    parse: path,
    meaning: 'PEM certificate, followed by its intermediates.',
  }),
  tlsKeyFile: setting({
    name: 'HANDLER_TLS_KEY_FILE',
    otherwise: 'none; required with `HANDLER_TLS=files`',
    parse: path,
    meaning: 'PEM private key of that certificate, mode 0600.',
  }),
  answerAlgorithm: setting({
    name: 'HANDLER_ANSWER_ALGORITHM',
    fallback: 'RS256',
    parse: oneOf(...ANSWER_ALGORITHMS),
    meaning:
      'Algorithm of the answer keys of new generations: `RS256` (RSA-2048) or `ES256` (EC P-256), which co-signers know from version 2026.08.19 on. Existing generations keep theirs; `rotate --algorithm` chooses for one generation (docs/keys.md).',
  }),
  answerSigner: setting({
    name: 'HANDLER_ANSWER_SIGNER',
    fallback: 'file',
    parse: signer,
    meaning:
      'What makes and holds the answer keys of new generations: `file`, or a keystore such as `pkcs11:token=<label>?module-path=/…&pin-source=file:/…`, `vault:https://…/<mount>?token-file=/…` or `kms:<region>/<owner>` (docs/keys.md). Existing generations keep theirs; never holds a secret.',
  }),
  retiredAnswerKeys: setting({
    name: 'HANDLER_RETIRED_ANSWER_KEYS',
    fallback: 'destroy',
    parse: oneOf('destroy', 'keep'),
    meaning:
      'What becomes of an answer key in a keystore seven days after its generation has retired: `destroy`, or `keep` it there, never to be used again. Keys in files are always removed.',
  }),
  cosignerKeys: setting({
    name: 'HANDLER_COSIGNER_KEYS',
    otherwise: 'none; required unless `HANDLER_AUTH=certificate`',
    parse: path,
    meaning: 'A PEM public key (RSA-2048), or a directory of `<name>.pem`: one co-signer each.',
  }),
  allowedCidrs: setting({
    name: 'HANDLER_ALLOWED_CIDRS',
    otherwise: 'everyone may connect; required with `HANDLER_AUTH=certificate`',
    parse: listOf(cidr, 256),
    meaning:
      'Addresses and ranges that may connect, separated by commas; connections from elsewhere are closed before TLS. Addresses are those of the connection: no forwarded header is believed.',
  }),
  policyFile: setting({
    name: 'HANDLER_POLICY_FILE',
    fallback: './policy.yaml',
    parse: path,
    meaning: 'The policy.',
  }),
  shadowPolicyFile: setting({
    name: 'HANDLER_SHADOW_POLICY_FILE',
    otherwise: 'none: no policy is watched',
    parse: path,
    meaning:
      'A second policy that is evaluated besides the live one and only recorded: it never changes, delays or fails an answer, and one that cannot be used does not keep the handler from starting.',
  }),
  eventsFile: setting({
    name: 'HANDLER_EVENTS_FILE',
    otherwise: 'none: nobody is told',
    parse: path,
    meaning:
      'YAML file of the targets that are told of holds, freezes, alarms and expiry, see [events.md](events.md); read at the start.',
  }),
  store: setting({
    name: 'HANDLER_STORE',
    otherwise: '`decisions.db` in the state directory',
    parse: storePath,
    meaning: 'SQLite database of the decisions; on a local disk, never on a network share.',
  }),
  adminSocket: setting({
    name: 'HANDLER_ADMIN_SOCKET',
    otherwise: '`admin.sock` in the state directory',
    parse: path,
    meaning:
      'Unix socket for the bootstrapper and the operator, mode 0600; its directory must not be writable by others.',
  }),
  opsListen: setting({
    name: 'HANDLER_OPS_LISTEN',
    fallback: '127.0.0.1:9464',
    parse: listenAddress,
    meaning:
      'Plain HTTP address of `/livez`, `/readyz` and `/metrics`, and of the page when there is one.',
  }),
  consoleUrl: setting({
    name: 'HANDLER_CONSOLE_URL',
    otherwise: 'none: there is no page',
    parse: consoleUrl,
    meaning:
      'Origin under which people open the page on `HANDLER_OPS_LISTEN` (docs/console.md): `https://<name>` of a reverse proxy that terminates TLS, or `http://localhost:<port>`. Passkeys belong to this name.',
  }),
  silenceAlarm: setting({
    name: 'HANDLER_SILENCE_ALARM',
    otherwise: 'none: silence is no alarm',
    parse: duration,
    meaning:
      'How long no callback may come before that is an alarm, e.g. `24h`: an error in the log, a notice in `/readyz` and `countersign_alarms_total{kind="silence"}`. Choose it longer than your quiet nights and weekends, or have something ask every day (docs/deployment.md).',
  }),
  deadlineMs: setting({
    name: 'HANDLER_DEADLINE_MS',
    fallback: '25000',
    parse: integer(1_000, 29_000),
    meaning:
      'Milliseconds from the arrival of a request after which the answer is a signed RETRY; the co-signer gives up after 30 seconds.',
  }),
  cosignerRetryMinutes: setting({
    name: 'HANDLER_COSIGNER_RETRY_MINUTES',
    fallback: '60',
    parse: integer(1, 2_880),
    meaning:
      'Minutes for which the co-signer asks again after a first RETRY, as agreed with its vendor; only shown with held requests.',
  }),
  maxBodyBytes: setting({
    name: 'HANDLER_MAX_BODY_BYTES',
    fallback: String(8 * 1024 * 1024),
    parse: integer(4_096, 32 * 1024 * 1024),
    meaning: 'Largest request body in bytes; larger ones are answered 413.',
  }),
  passphraseFile: setting({
    name: 'HANDLER_KEY_PASSPHRASE_FILE',
    otherwise: 'none: private keys are stored as they are, mode 0600',
    parse: path,
    meaning:
      'File with a passphrase, mode 0600; new private keys are then stored encrypted (PKCS#8, AES-256, PBKDF2 with 600,000 rounds of HMAC-SHA-256), and existing encrypted ones can be read.',
  }),
  logLevel: setting({
    name: 'HANDLER_LOG_LEVEL',
    fallback: 'info',
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
    meaning: 'Least severe level that is logged, as JSON lines on standard output.',
  }),
} as const

/** The parsed settings; undefined where there was no value or a wrong one. */
export type Values = {
  readonly [K in keyof typeof SETTINGS]?: ReturnType<(typeof SETTINGS)[K]['parse']>
}
