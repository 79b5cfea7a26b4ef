/** Checks the evidence of decisions: that a co-signer signed each request, and that its record says what was asked. */
import { CallbackError } from '../../protocol/errors.ts'
import { createPlainVerifier, createTokenVerifier } from '../../protocol/token.ts'
import type { CosignerKey, Verified } from '../../protocol/token.ts'
import type { DecisionContent } from '../decision-fields.ts'
import { identityOf } from './identity.ts'
import type { Identity } from './identity.ts'

export interface TokenCheck {
  /** What is wrong with the evidence of a decision that was recorded at this time, in words. */
  record(content: DecisionContent, token: string, timeMs: number): readonly string[]
  /** Requests whose signature and content hold. */
  signed(): number
  /** Requests of `certificate` mode, which no key signed. */
  unsigned(): number
}

/**
 * Verifies against the keys of all co-signers that ever asked, by the names that they had.
 *
 * @throws KeyMaterialError for unfit keys
 */
export function createTokenCheck(keys: readonly CosignerKey[]): TokenCheck {
  const verifySigned = createTokenVerifier(keys)
  const readPlain = createPlainVerifier()
  let signed = 0
  let unsigned = 0

  const check = (content: DecisionContent, token: string, timeMs: number): string[] => {
    const isPlain = content.cosigner === ''
    const verified = isPlain
      ? whenever(readPlain, token, timeMs, () => token)
      : whenever(verifySigned, token, timeMs, () => payloadOf(token))
    if (verified.cosigner !== content.cosigner) {
      return [`evidence is signed by \`${verified.cosigner}\`, not by the co-signer of the record`]
    }
    const problems = differences(content, identityOf(content, verified))
    if (problems.length > 0) return problems
    if (isPlain) unsigned += 1
    else signed += 1
    return []
  }
  return {
    record: (content, token, timeMs) => {
      try {
        return check(content, token, timeMs)
      } catch (error) {
        if (!(error instanceof CallbackError)) throw error
        return [`evidence is no request of a co-signer whose key is given: ${error.message}`]
      }
    },
    signed: () => signed,
    unsigned: () => unsigned,
  }
}

/**
 * Verifies as of the time of the record. The request came before that, and time in the chain never goes
 * back, so a token that was valid then may not be now: a time that its own `nbf` and `exp` allow will do.
 */
function whenever(
  verify: (body: Buffer, now: Date) => Verified,
  token: string,
  timeMs: number,
  claims: () => string,
): Verified {
  const body = Buffer.from(token)
  try {
    return verify(body, new Date(timeMs))
  } catch (error) {
    if (!(error instanceof CallbackError) || error.code !== 'ERR_TOKEN_TIME') throw error
    return verify(body, validTime(claims()))
  }
}

function payloadOf(token: string): string {
  return Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')
}

/** Just before the end of what was found to be strict JSON, or its beginning when it has no end. */
function validTime(text: string): Date {
  const { exp, nbf }: { exp?: unknown; nbf?: unknown } = JSON.parse(text)
  return new Date(1_000 * (exp === undefined ? Number(nbf) : Number(exp) - 1))
}

function differences(content: DecisionContent, identity: Identity): string[] {
  const differing = Object.entries(identity).filter(
    ([name, value]) => Reflect.get(content, name) !== value,
  )
  return differing.map(([name]) => `\`${name}\` is not that of the request in evidence`)
}
