/** Everything that must stay where it is, and a search for any piece of it elsewhere. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** One secret in one spelling. */
export interface Secret {
  readonly name: string
  readonly text: string
}

/** A text that people or other systems get to see. */
export interface Output {
  readonly name: string
  readonly text: string
}

/** Pieces of this length are unmistakable. */
const WINDOW = 20

/** Secrets, and texts that share pieces with them but are for everybody. */
export interface Known {
  readonly secrets: readonly Secret[]
  readonly isPublic: readonly string[]
}

/** Every private key, pairing token and passphrase in files below a directory. */
export async function secretsBelow(root: string, passphrase: string): Promise<Known> {
  const secrets: Secret[] = [{ name: 'passphrase', text: passphrase }]
  const isPublic: string[] = []
  const files = await readdir(root, { recursive: true, withFileTypes: true })
  for (const file of files.filter((each) => each.isFile())) {
    const path = join(file.parentPath, file.name)
    const text = await readFile(path, 'latin1')
    if (file.name === 'pairing-token') secrets.push({ name: 'pairing token', text: text.trim() })
    if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) continue
    const key = createPrivateKey({ key: text, passphrase })
    const name = path.slice(root.length)
    const file64 = text.replaceAll(/-----[A-Z ]+-----|\s/g, '')
    secrets.push(...[file64, ...spellings(key)].map((each) => ({ name, text: each })))
    isPublic.push(...publicSpellings(createPublicKey(key)))
  }
  return { secrets, isPublic }
}

/** The key in the forms in which a program would print it. */
function spellings(key: KeyObject): string[] {
  const { d = '', p = '', q = '' } = key.export({ format: 'jwk' })
  const der = (type: 'pkcs1' | 'pkcs8') => key.export({ format: 'der', type }).toString('base64')
  const numbers = [d, p, q].flatMap((number) => {
    const bytes = Buffer.from(number, 'base64url')
    return [number, bytes.toString('base64'), bytes.toString('hex')]
  })
  return [der('pkcs8'), der('pkcs1'), ...numbers]
}

/** A private key contains the public one, and base64 writes the same bytes in three ways. */
function publicSpellings(key: KeyObject): string[] {
  const der = key.export({ format: 'der', type: 'spki' })
  return [0, 1, 2].map((shift) => der.subarray(shift).toString('base64'))
}

/** Secrets of which a piece is in an output; line breaks, escaped or not, hide nothing. */
export function leaks({ secrets, isPublic }: Known, outputs: readonly Output[]): string[] {
  const windows = new Map<string, string>()
  for (const { name, text } of secrets) for (const piece of pieces(text)) windows.set(piece, name)
  for (const text of isPublic) for (const piece of pieces(text)) windows.delete(piece)
  const found = new Set<string>()
  for (const { name, text } of outputs) {
    for (const form of [text, text.replaceAll(/\\n|\\r|\s/g, '')]) {
      for (const piece of pieces(form)) {
        const secret = windows.get(piece)
        if (secret !== undefined) found.add(`${secret} in ${name}`)
      }
    }
  }
  return [...found]
}

function* pieces(text: string): Generator<string> {
  for (let at = 0; at + WINDOW <= text.length; at += 1) yield text.slice(at, at + WINDOW)
}
