/**
 * The process that holds a PKCS#11 module: a module that hangs or crashes takes nothing but this along. It is started by
 * the handler, reads the PIN from its file, and ends with the channel to the handler.
 */
import { createRequire } from 'node:module'
import { readPrivateFile } from '../../../common/atomic-file.ts'
import { messageOf } from '../../../common/errors.ts'
import type { FromProcess, ToProcess, TokenAccess } from './pkcs11-messages.ts'
import type { Cryptoki } from './cryptoki.ts'
import { codeOf, createToken, type Token, TokenGoneError } from './pkcs11-token.ts'

/** `CKF_OS_LOCKING_OK`: the module may use the system's threads and locks. */
const OS_LOCKING_OK = 2

interface Module extends Cryptoki {
  load(path: string): void
  C_Initialize(options: { readonly flags: number }): void
}

let token: Token | undefined

function load({ modulePath }: TokenAccess): Module {
  // Optional, and CommonJS: it is looked for when it is needed, and its absence is a sentence.
  const { PKCS11 }: { PKCS11: new () => Module } = createRequire(import.meta.url)('pkcs11js')
  const module = new PKCS11()
  module.load(modulePath)
  module.C_Initialize({ flags: OS_LOCKING_OK })
  return module
}

async function pinIn(file: string): Promise<string> {
  const [line = ''] = (await readPrivateFile(file)).split(/\r?\n/, 1)
  return line
}

process.on('message', (message: ToProcess) => {
  if ('access' in message) {
    const { access } = message
    try {
      token = createToken(load(access), access, () => pinIn(access.pinFile))
    } catch (error) {
      const lacks = codeOf(error).startsWith("Cannot find module 'pkcs11js'")
      const reason = lacks
        ? 'the optional package `pkcs11js` is not installed, or could not be compiled'
        : messageOf(error)
      token = { answer: () => Promise.reject(new TokenGoneError(new Error(reason))) }
    }
    return
  }
  const { number, request } = message
  const answering = token?.answer(request) ?? Promise.reject(new Error('no token was named'))
  answering.then(
    (result) => send({ number, result }),
    (error: unknown) => {
      send({ number, code: codeOf(error), message: messageOf(error) }, () => {
        // A token that cannot be opened may be there for a process that loads the module afresh.
        if (error instanceof TokenGoneError) process.exit()
      })
    },
  )
})

function send(message: FromProcess, sent?: () => void): void {
  process.send?.(message, undefined, undefined, () => sent?.())
}

process.on('disconnect', () => process.exit())
// The handler ends in order, and this with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
