/** `policy check|explain|replay|schema`: what a policy says, before and after it is in force. */
import { join } from 'node:path'
import type { Command } from 'commander'
import { CountersignError } from '../../common/errors.ts'
import { loadPolicy } from '../policy-files/policy-file.ts'
import { adviceOn } from '../policy/compile/advice.ts'
import { explain } from '../policy/explain.ts'
import { policyJsonSchema } from '../policy/file/json-schema.ts'
import { factsOf } from '../policy/judge.ts'
import type { Policy } from '../policy/compile/policy.ts'
import { formatProblem } from '../policy/file/problems.ts'
import { replay } from '../policy/replay.ts'
import { ENDPOINTS } from '../protocol/endpoints.ts'
import type { Endpoint } from '../protocol/endpoints.ts'
import { parseRequest } from '../protocol/parse-request.ts'
import { createSignatureVerifier } from '../policy-files/statement-signature.ts'
import type { CommandIo } from './command-io.ts'
import { registerLivePolicyCommands } from './policy-live.ts'
import { adviceLine, checkJson, explanationJson, explanationText } from './policy-report.ts'
import { replayJson, replayText } from './replay-report.ts'
import { readInput } from './read-input.ts'
import { recordedRequests } from './recorded-requests.ts'
import { contentOf, guessEndpoint } from './request-input.ts'

/** A command line or an input file that cannot be used; exit code 2. */
class UsageError extends CountersignError {}

/** Adds the `policy` commands to the program. They set `io.exitCode`: 0 fine, 2 a policy or an input that is not. */
export function registerPolicyCommands(program: Command, io: CommandIo): void {
  const policy = program.command('policy').description('check, explain and replay policies')
  policy
    .command('check')
    .description('validate a policy, look for rules without effect, run the tests in it')
    .argument('[file]', 'policy file (default: HANDLER_POLICY_FILE or ./policy.yaml)')
    .option('--json', 'print the result as JSON')
    .action((file: string | undefined, options: { json?: true }) =>
      guarded(io, () => check(file ?? defaultPolicy(io), options, io)),
    )
  policy
    .command('explain')
    .description('say which rule decides a request, and why the others do not')
    .argument('<request>', 'a file with the payload as JSON or the whole token; `-` for stdin')
    .option('--policy <file>', 'policy file (default: HANDLER_POLICY_FILE or ./policy.yaml)')
    .option('--endpoint <name>', 'tx_sign_request or config_change_sign_request')
    .option('--cosigner <name>', 'name of the co-signer key', '')
    .option('--now <time>', 'as if it were that time, in ISO 8601')
    .option('--json', 'print the result as JSON')
    .action((request: string, options: ExplainOptions) =>
      guarded(io, () => explainRequest(request, options, io)),
    )
  policy
    .command('replay')
    .description('decide recorded requests again with another policy, and show what would change')
    .requiredOption('--policy <file>', 'the policy to try')
    .option('--store <file>', 'decision store (default: decisions.db in the state directory)')
    .option('--json', 'print the result as JSON')
    .action((options: ReplayOptions) => guarded(io, () => replayPolicy(options, io)))
  registerLivePolicyCommands(policy, io)
  policy
    .command('schema')
    .description('print the JSON Schema of policy files, for editors')
    .action(() => {
      io.stdout.write(policyJsonSchema())
    })
}

interface ExplainOptions {
  readonly policy?: string
  readonly endpoint?: string
  readonly cosigner: string
  readonly now?: string
  readonly json?: true
}

interface ReplayOptions {
  readonly policy: string
  readonly store?: string
  readonly json?: true
}

async function check(file: string, { json }: { json?: true }, io: CommandIo): Promise<void> {
  const result = await loadPolicy(file)
  const advice = result.ok ? adviceOn(result.policy) : []
  const fine = result.ok && advice.every(({ level }) => level !== 'error')
  if (!fine) io.exitCode = 2
  if (json) {
    io.stdout.write(checkJson(result, advice, fine))
    return
  }
  if (!result.ok) for (const problem of result.problems) error(io, formatProblem(problem))
  for (const each of advice) io.stderr.write(adviceLine(each))
  if (!result.ok || !fine) return
  const { rules, tests, digest } = result.policy
  io.stdout.write(`ok: ${rules.length} rules, ${tests.length} tests passed, digest ${digest}\n`)
}

async function explainRequest(input: string, options: ExplainOptions, io: CommandIo) {
  const policy = await usablePolicy(options.policy ?? defaultPolicy(io), io)
  if (policy === undefined) return
  const content = contentOf(await readInput(input, io))
  if (content === undefined) {
    throw new UsageError('the request is neither a JSON object nor a token', {
      hint: 'give the payload as the co-signer sent it; duplicate names are refused',
    })
  }
  const { claims, fromToken } = content
  const endpoint = options.endpoint ?? guessEndpoint(claims)
  if (!isEndpoint(endpoint)) throw new UsageError(`unknown endpoint \`${endpoint}\``)
  const parsed = parseRequest(endpoint, claims)
  if (parsed.kind === 'malformed') {
    const { reasonCode, member } = parsed.malformed
    throw new UsageError(`the request is malformed and would be refused: ${reasonCode} ${member}`)
  }
  if (fromToken) io.stderr.write("warning: the token's signature was not verified\n")
  const known = { now: timeOf(options.now, io), cosigner: options.cosigner }
  const facts = factsOf(policy, parsed.request, known, createSignatureVerifier())
  const explanation = explain(policy, parsed.request, facts)
  io.stdout.write(options.json ? explanationJson(explanation) : explanationText(explanation))
}

async function replayPolicy({ policy: file, store, json }: ReplayOptions, io: CommandIo) {
  const policy = await usablePolicy(file, io)
  if (policy === undefined) return
  const database = store ?? join(io.env['HANDLER_STATE_DIR'] ?? './state', 'decisions.db')
  const result = await replay(policy, recordedRequests(database), createSignatureVerifier())
  io.stdout.write(json ? replayJson(result) : replayText(result))
}

/** The policy, or undefined after its problems were printed. */
async function usablePolicy(file: string, io: CommandIo): Promise<Policy | undefined> {
  const result = await loadPolicy(file)
  if (result.ok) return result.policy
  for (const problem of result.problems) error(io, formatProblem(problem))
  io.exitCode = 2
  return undefined
}

/** Expected failures are one line and exit code 2; a bug goes up. */
async function guarded(io: CommandIo, action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (cause) {
    if (!(cause instanceof CountersignError)) throw cause
    error(io, cause.message)
    if (cause.hint !== undefined) io.stderr.write(`hint: ${cause.hint}\n`)
    io.exitCode = 2
  }
}

function error(io: CommandIo, message: string): void {
  io.stderr.write(`error: ${message}\n`)
}

function defaultPolicy(io: CommandIo): string {
  return io.env['HANDLER_POLICY_FILE'] ?? './policy.yaml'
}

function isEndpoint(name: string): name is Endpoint {
  return ENDPOINTS.some((endpoint) => endpoint === name)
}

function timeOf(text: string | undefined, io: CommandIo): Date {
  if (text === undefined) return io.clock.now()
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw new UsageError(`\`${text}\` is not a time in ISO 8601`)
  return time
}
