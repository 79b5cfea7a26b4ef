/** One PKCS#11 token: several sessions sign at once, and lost ones are opened again. */
import {
  CKF_RW_SESSION,
  CKF_SERIAL_SESSION,
  CKU_USER,
  type Cryptoki,
  type Handle,
} from './cryptoki.ts'
import type { TokenAccess, TokenRequest } from './pkcs11-messages.ts'
import { perform } from './pkcs11-operations.ts'

/** A session, login or handle is gone; opening anew may help. */
const LOST = new Set([
  'CKR_SESSION_HANDLE_INVALID',
  'CKR_SESSION_CLOSED',
  'CKR_USER_NOT_LOGGED_IN',
  'CKR_OBJECT_HANDLE_INVALID',
  'CKR_KEY_HANDLE_INVALID',
  'CKR_DEVICE_REMOVED',
  'CKR_DEVICE_ERROR',
  'CKR_TOKEN_NOT_PRESENT',
  'CKR_OPERATION_ACTIVE',
  'CKR_GENERAL_ERROR',
])

/** Sessions that were opened together. */
interface Opening {
  readonly slot: Handle
  readonly free: Handle[]
  readonly waiting: ((session: Handle) => void)[]
  readonly keys: Map<string, Handle>
}

export interface Token {
  /** What came of a request; see `FromProcess`. */
  readonly answer: (request: TokenRequest) => Promise<Buffer | undefined>
}

/** The token cannot be opened: a new process must try. */
export class TokenGoneError extends Error {
  readonly code: string

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.code = codeOf(cause)
  }
}

/** Name of a PKCS#11 return value; of any other error its message. */
export function codeOf(error: unknown): string {
  return error instanceof Error ? (/CKR_\w+/.exec(error.message)?.[0] ?? error.message) : 'unknown'
}

/** Opens nothing yet; `pin` is asked for at each login. */
export function createToken(
  cryptoki: Cryptoki,
  access: TokenAccess,
  pin: () => Promise<string>,
): Token {
  let opening: Promise<Opening> | undefined

  const open = async (): Promise<Opening> => {
    const secret = await pin()
    const slot = cryptoki.C_GetSlotList(true).find((each) => {
      const { label, serialNumber } = cryptoki.C_GetTokenInfo(each)
      const isIt = label.trim() === access.token
      return isIt && (access.serial === undefined || serialNumber.trim() === access.serial)
    })
    if (slot === undefined) throw new Error('CKR_TOKEN_NOT_PRESENT: no token of that name')
    const free = Array.from({ length: access.sessions }, () =>
      cryptoki.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION),
    )
    const [first] = free
    if (first === undefined) throw new RangeError('a token needs a session')
    try {
      cryptoki.C_Login(first, CKU_USER, secret)
    } catch (error) {
      if (codeOf(error) !== 'CKR_USER_ALREADY_LOGGED_IN') throw error
    }
    return { slot, free, waiting: [], keys: new Map() }
  }
  const opened = (): Promise<Opening> => {
    const current =
      opening ??
      open().catch((error: unknown) => {
        throw new TokenGoneError(error)
      })
    opening = current
    return current
  }
  /** Opens anew unless somebody else has since. */
  const reopen = async (lost: Promise<Opening>): Promise<void> => {
    if (opening !== lost) return
    opening = undefined
    const { slot } = await lost
    try {
      cryptoki.C_CloseAllSessions(slot)
    } catch {
      // They are lost already.
    }
  }
  const attempt = async (request: TokenRequest, at: Promise<Opening>) => {
    const here = await at
    const session = await take(here)
    try {
      return await perform(cryptoki, session, here.keys, request)
    } finally {
      give(here, session)
    }
  }
  return {
    async answer(request) {
      const first = opened()
      try {
        return await attempt(request, first)
      } catch (error) {
        if (error instanceof TokenGoneError || !LOST.has(codeOf(error))) throw error
        await reopen(first)
      }
      return attempt(request, opened())
    },
  }
}

function take({ free, waiting }: Opening): Promise<Handle> {
  const session = free.pop()
  if (session !== undefined) return Promise.resolve(session)
  return new Promise((resolve) => waiting.push(resolve))
}

function give({ free, waiting }: Opening, session: Handle): void {
  const next = waiting.shift()
  if (next === undefined) free.push(session)
  else next(session)
}
