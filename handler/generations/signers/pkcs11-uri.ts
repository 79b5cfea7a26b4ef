/** Names of keys in PKCS#11 tokens (RFC 7512), as far as they are used here; what is not understood is refused. */
import { KeystoreError } from './keystore.ts'

export interface Pkcs11Uri {
  /** Label of the token. */
  readonly token: string
  /** Of the token, when its label alone does not find it. */
  readonly serial?: string
  /** Label of the key (`CKA_LABEL`). */
  readonly object?: string
  /** `CKA_ID` of the key. */
  readonly id?: Buffer
  /** Path of the module, absolute. */
  readonly modulePath: string
  /** File whose first line is the PIN of the user, absolute. */
  readonly pinFile: string
}

const PATH_NAMES = ['token', 'serial', 'object', 'id', 'type'] as const
const QUERY_NAMES = ['module-path', 'pin-source'] as const

/** Reads a name. @throws KeystoreError for what is missing, unknown or twice, and for a PIN in the name */
export function parsePkcs11Uri(text: string): Pkcs11Uri {
  const [, path = '', query = ''] = /^pkcs11:([^?]*)(?:\?(.*))?$/s.exec(text) ?? []
  const names = attributes(path, ';', PATH_NAMES)
  const access = attributes(query, '&', QUERY_NAMES)
  const token = textOf(names, 'token')
  const modulePath = textOf(access, 'module-path')
  const pinSource = textOf(access, 'pin-source')
  if (token === undefined) throw wrong('`token` is missing')
  if (modulePath?.startsWith('/') !== true) throw wrong('`module-path` must be an absolute path')
  const pinFile = pinSource?.replace(/^file:(?:\/\/)?(?=\/)/, '')
  if (pinFile?.startsWith('/') !== true) throw wrong('`pin-source` must be `file:/…`')
  const type = textOf(names, 'type') ?? 'private'
  if (type !== 'private') throw wrong('`type` must be `private`')
  const serial = textOf(names, 'serial')
  const object = textOf(names, 'object')
  const id = names.get('id')
  return {
    token,
    modulePath,
    pinFile,
    ...(serial === undefined ? {} : { serial }),
    ...(object === undefined ? {} : { object }),
    ...(id === undefined ? {} : { id }),
  }
}

/** The name of a key in the token of `where`. */
export function pkcs11KeyName(where: Pkcs11Uri, object: string, id: Buffer): string {
  const serial = where.serial === undefined ? '' : `;serial=${encode(where.serial)}`
  const bytes = [...id].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const key = `object=${encode(object)};id=${bytes};type=private`
  const access = `module-path=${encodePath(where.modulePath)}&pin-source=file:${encodePath(where.pinFile)}`
  return `pkcs11:token=${encode(where.token)}${serial};${key}?${access}`
}

function attributes(
  text: string,
  separator: string,
  known: readonly string[],
): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const part of text.split(separator).filter((each) => each !== '')) {
    const at = part.indexOf('=')
    const name = part.slice(0, Math.max(0, at))
    if (name === 'pin-value') {
      throw wrong(
        '`pin-value` would put the PIN into a file that is shown: use `pin-source=file:/…`',
      )
    }
    if (!known.includes(name)) throw wrong(`\`${name === '' ? part : name}\` is not understood`)
    if (found.has(name)) throw wrong(`\`${name}\` is there twice`)
    found.set(name, decode(part.slice(at + 1), name))
  }
  return found
}

function textOf(found: ReadonlyMap<string, Buffer>, name: string): string | undefined {
  const bytes = found.get(name)
  if (bytes === undefined) return undefined
  const text = bytes.toString('utf8')
  if (text === '' || text.includes('\0')) throw wrong(`\`${name}\` is empty or not text`)
  return text
}

/** Percent-encoded bytes (RFC 3986 §2.1). */
function decode(value: string, name: string): Buffer {
  if (!/^(?:[\x21-\x24\x26-\x7e]|%[0-9a-fA-F]{2})*$/.test(value)) {
    throw wrong(`\`${name}\` holds characters that must be percent-encoded`)
  }
  return Buffer.from(
    value.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  )
}

function encode(text: string): string {
  return encodeURIComponent(text)
}

function encodePath(path: string): string {
  return path.split('/').map(encode).join('/')
}

function wrong(what: string): KeystoreError {
  return new KeystoreError(`PKCS#11 URI: ${what}`, {
    hint: 'pkcs11:token=<label>?module-path=/path/of/module.so&pin-source=file:/path/of/pin',
  })
}
