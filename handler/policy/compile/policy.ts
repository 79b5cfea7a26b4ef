/** A policy that can be asked. */
import type { Action } from '../../protocol/endpoints.ts'
import type { SigningOnly } from '../../protocol/parse-request.ts'
import type { ActName } from '../approvals/act.ts'
import type { PeopleTerms } from '../approvals/people.ts'
import type { AddressRules } from '../chains/address.ts'
import type { Assets } from '../chains/assets.ts'
import type { ConsistencyAnswers } from '../decision.ts'
import type { AbiFunction } from './abi-files.ts'
import type { Hook } from './hooks.ts'
import type { People } from './people.ts'
import type { Limit } from './limits.ts'
import type { ListFileFinding, NamedList } from './lists.ts'
import type { RawTxOptions } from '../rawtx/verify.ts'
import type { RuleIndex } from './rule-index.ts'
import type { Rule } from './rules.ts'
import type { Finding } from '../file/problems.ts'
import type { PolicyFile, TestEntry } from '../file/schema.ts'
import type { StatementKey } from '../statement.ts'

/** One frozen policy. A request is decided by one of these from beginning to end. */
export interface Policy {
  /** Of the language that the file is written in. */
  readonly version: 1 | 2
  /** Hex SHA-256 of the file's text; of it and of all list files when there are any. */
  readonly digest: string
  /** What holds when no rule matches. */
  readonly defaultAction: 'REJECT' | 'RETRY'
  readonly rules: readonly Rule[]
  readonly index: RuleIndex
  readonly lists: ReadonlyMap<string, NamedList>
  readonly limits: ReadonlyMap<string, Limit>
  readonly hooks: ReadonlyMap<string, Hook>
  /** What asset ids mean on their chains: the built-in table and the policy's own section. */
  readonly assets: Assets
  /** How addresses are read. */
  readonly addresses: AddressRules
  readonly statementKeys: readonly StatementKey[]
  readonly rawTx: RawTxOptions
  /** What is answered when members of a request disagree; RETRY for checks that it does not name. */
  readonly consistency: ConsistencyAnswers
  /** Approvers and their groups. */
  readonly people: People
  /** Who must approve acts of operators; an act that is not there needs nobody. */
  readonly acts: ReadonlyMap<ActName, PeopleTerms>
  /** Approvers who hold a statement key as well, by the name of that key: they cannot approve what it has signed. */
  readonly initiators: ReadonlyMap<string, string>
  /** Signers whose transaction requests are all of the signing stage; undefined when it names none. */
  readonly signingOnly: SigningOnly | undefined
  readonly tests: readonly TestEntry[]
  /** The actions of the rules that refer to a list. */
  readonly listActions: ReadonlyMap<string, ReadonlySet<Action>>
  /** What a policy of version 2 could not have: near misses, approvals without an operation, assets that contradict built-in ones. */
  readonly misspelt: readonly Finding[]
  /** Lines of its files that are no addresses. */
  readonly doubts: readonly ListFileFinding[]
  /** Declared and never referred to: `lists.payees`, … */
  readonly unused: readonly string[]
  /** What it was compiled from: plain data, so that another thread can compile it, too. */
  readonly form: CompiledForm
}

/** A policy file in the right form, its lists compiled. */
export interface CompiledForm {
  readonly file: Omit<PolicyFile, 'lists'>
  readonly digest: string
  /** By name, with that of vault addresses. */
  readonly lists: ReadonlyMap<string, NamedList>
  /** Rows of the file of assets that contradict built-in ones. */
  readonly conflicts: readonly Finding[]
  /** Functions of the team's contracts, for people who read a call. */
  readonly abi: readonly AbiFunction[]
}
