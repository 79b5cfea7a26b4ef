/** Conditions on the EIP-712 messages of a TYPED_MESSAGE; all conditions of a block are about one message. */
import { parseEvmAddress } from '../chains/evm-address.ts'
import type { TypedMessage } from '../rawtx/messages.ts'
import { absenceOf } from '../readings/absence.ts'
import { CERTAINLY, greatest, least, NO, POSSIBLY } from '../readings/answer.ts'
import type { Answer, Reading } from '../readings/answer.ts'
import type { Subject } from '../readings/subject.ts'
import type { Path } from '../file/problems.ts'
import type { WhenClause } from '../file/schema.ts'
import { accepter, describeFound, knownOnly, textsShape } from './check.ts'
import type { Check, Part } from './check.ts'
import { ADDRESS, CHAIN_ID, PLAIN_TEXT } from '../fields.ts'
import type { FieldKind } from '../fields.ts'
import { quantified } from './quantifier.ts'
import { compileTexts } from './texts.ts'
import type { CompileContext } from './texts.ts'

type Member = 'chainId' | 'primaryType' | 'verifyingContract'
type Typed = Extract<TypedMessage, { readonly kind: 'typed' }>

interface MemberKind {
  readonly kind: FieldKind
  /** Undefined when the message does not have it: then it is good for any. */
  readonly read: (message: Typed) => string | undefined
}

const MEMBERS: Readonly<Record<Member, MemberKind>> = {
  chainId: { kind: CHAIN_ID, read: ({ domain }) => domain['chainId'] },
  primaryType: { kind: PLAIN_TEXT, read: ({ primaryType }) => primaryType },
  verifyingContract: {
    kind: ADDRESS,
    read: ({ domain: { verifyingContract } }) =>
      verifyingContract === undefined ? undefined : parseEvmAddress(verifyingContract),
  },
}

/** One condition of a block. */
interface MemberCheck extends Part {
  readonly wants: string
  readonly accepts: (text: string) => boolean
  readonly read: MemberKind['read']
}

const isNoValue = absenceOf('typedData.chainId')

export function typedDataChecks(
  entry: WhenClause['typedData'],
  path: Path,
  context: CompileContext,
): Check[] {
  if (entry === undefined) return []
  const { block, at, isEvery } = quantified(entry, path, context)
  const members = (['chainId', 'primaryType', 'verifyingContract'] as const).flatMap(
    (member): MemberCheck[] => {
      const texts = block[member]
      if (texts === undefined) return []
      const { kind, read } = MEMBERS[member]
      const accepted = compileTexts(texts, kind, [...at, member], context)
      const field = `typedData.${member}`
      const { wants } = accepted
      return [{ field, wants, shape: textsShape(accepted), accepts: accepter(accepted), read }]
    },
  )
  if (members.length === 0) {
    context.findings.report(at, 'expected `chainId`, `primaryType` or `verifyingContract`')
    return []
  }
  const isKnownOnly = context.onUnknown(block.unknown, at) !== undefined
  const ask = (message: TypedMessage) => {
    const answer = members.map((member) => answerOf(member, message)).reduce(least, CERTAINLY)
    return isKnownOnly ? knownOnly(answer) : answer
  }
  return [blockCheck(members, ask, isEvery)]
}

function blockCheck(
  members: readonly MemberCheck[],
  ask: (message: TypedMessage) => Answer,
  isEvery: boolean,
): Check {
  const answer = (subject: Subject, reading: Reading): Answer => {
    const messages = subject.typedMessages()
    if (messages.length === 0) return isNoValue(subject) ? NO : POSSIBLY
    const answers = messages.map(ask)
    return reading === 'any' && !isEvery
      ? answers.reduce(greatest, NO)
      : answers.reduce(least, CERTAINLY)
  }
  return {
    parts: members.map(({ field, shape }) => ({ field, shape })),
    isPlural: true,
    ...(isEvery ? { isEvery } : {}),
    answer,
    unmet: (subject, reading) => {
      const telling = answer(subject, reading)
      const message = subject.typedMessages().find((each) => ask(each) === telling)
      const answers = members.map((member) => (message ? answerOf(member, message) : NO))
      const member = members[answers.indexOf(answers.reduce(least, CERTAINLY))]
      const { field = 'typedData', wants = 'typed data' } = member ?? {}
      return { field, wants, found: foundIn(member, message) }
    },
    unknown: (subject) => {
      const open = subject.typedMessages().filter((each) => ask(each) === POSSIBLY)
      return members
        .filter((member) => open.some((message) => answerOf(member, message) === POSSIBLY))
        .map(({ field }) => field)
    },
  }
}

function answerOf({ accepts, read }: MemberCheck, message: TypedMessage): Answer {
  if (message.kind === 'other') return NO
  const text = message.kind === 'typed' ? read(message) : undefined
  if (text === undefined) return POSSIBLY
  return accepts(text) ? CERTAINLY : NO
}

function foundIn(member: MemberCheck | undefined, message: TypedMessage | undefined): string {
  if (message === undefined || message.kind === 'other') return 'no value'
  if (message.kind === 'unreadable') return 'unreadable'
  return describeFound(member?.read(message), false)
}
