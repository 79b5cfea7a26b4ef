/** `policy check|explain|replay|assets|schema`: what a policy says, before and after it is in force. */
import type { Command } from 'commander'
import { UsageError } from '../../common/errors.ts'
import { EXIT } from '../../common/exit-codes.ts'
import type { Reporter } from '../../common/reporter.ts'
import { pathsOf } from '../config/paths.ts'
import { loadPolicy } from '../policy-files/policy-file.ts'
import { adviceOn, adviceOnKeys } from '../policy/compile/advice.ts'
import { explain } from '../policy/explain.ts'
import { policyJsonSchema } from '../policy/file/json-schema.ts'
import { factsOf } from '../policy/judge.ts'
import type { Policy } from '../policy/compile/policy.ts'
import { formatProblem } from '../policy/file/problems.ts'
import { renderAbsence, renderMembers } from '../policy/readings-docs.ts'
import { replay } from '../policy/replay.ts'
import { ENDPOINTS } from '../protocol/endpoints.ts'
import type { Endpoint } from '../protocol/endpoints.ts'
import { parseRequest } from '../protocol/parse-request.ts'
import { createSignatureVerifier } from '../policy-files/statement-signature.ts'
import { perform } from './command-io.ts'
import type { CommandIo } from './command-io.ts'
import { storePathsOf, withStore } from './options.ts'
import type { StoreFlags } from './options.ts'
import { registerAssetCommands } from './policy-assets.ts'
import { registerLivePolicyCommands } from './policy-live.ts'
import { checkFacts, explanationFacts, explanationLines } from './policy-report.ts'
import { replayLines } from './replay-report.ts'
import { readInput } from './read-input.ts'
import { recordedRequests } from './recorded-requests.ts'
import { contentOf, guessEndpoint } from './request-input.ts'

interface CheckOptions {
  readonly json?: true
}

interface ExplainOptions {
  readonly policy?: string
  readonly endpoint?: string
  readonly cosigner: string
  readonly now?: string
  readonly json?: true
}

interface ReplayOptions extends StoreFlags {
  readonly policy: string
}

/** Adds the `policy` commands to the program; exit code 2 for a policy or an input that cannot be used. */
export function registerPolicyCommands(program: Command, io: CommandIo): void {
  const policy = program.command('policy').description('check, explain and replay policies')
  policy
    .command('check')
    .description('validate a policy, look for rules without effect, run the tests in it')
    .argument('[file]', 'policy file (default: HANDLER_POLICY_FILE or ./policy.yaml)')
    .option('--json', 'print the result as JSON')
    .action((file: string | undefined, options: CheckOptions) =>
      perform(io, options, (reporter) => check(file, io, reporter)),
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
      perform(io, options, (reporter) => explainRequest(request, options, io, reporter)),
    )
  withStore(policy.command('replay'))
    .description('decide recorded requests again with another policy, and show what would change')
    .requiredOption('--policy <file>', 'the policy to try')
    .option('--json', 'print the result as JSON')
    .action((options: ReplayOptions) =>
      perform(io, options, (reporter) => replayPolicy(options, io, reporter)),
    )
  registerLivePolicyCommands(policy, io)
  registerAssetCommands(policy, io)
  policy
    .command('schema')
    .description('print the JSON Schema of policy files, for editors')
    .action(() => {
      io.stdout.write(policyJsonSchema())
    })
  policy
    .command('readings')
    .description(
      'print the tables of missing values and of members of requests, as docs/policy.md has them',
    )
    .action(() => {
      io.stdout.write(`${renderAbsence()}\n${renderMembers()}`)
    })
}

async function check(file: string | undefined, io: CommandIo, reporter: Reporter) {
  const path = pathsOf(io.env, { policy: file }).policyFile
  const result = await loadPolicy(path, { decides: file === undefined })
  const advice = result.ok
    ? [...adviceOnKeys(result.policy, io.clock.now()), ...adviceOn(result.policy)]
    : []
  const problems = result.ok ? [] : result.problems
  const fine = result.ok && advice.every(({ level }) => level !== 'error')
  for (const problem of problems) reporter.problem(formatProblem(problem))
  for (const { level, message } of advice) {
    if (level === 'error') reporter.problem(message)
    else reporter.warning(message)
  }
  const lines: string[] = []
  if (result.ok && fine) {
    const { rules, tests, digest } = result.policy
    lines.push(`ok: ${rules.length} rules, ${tests.length} tests passed, digest ${digest}`)
  }
  reporter.result({ facts: checkFacts(result, advice, fine), lines })
  return fine ? EXIT.done : EXIT.usage
}

async function explainRequest(
  input: string,
  options: ExplainOptions,
  io: CommandIo,
  reporter: Reporter,
) {
  const { policyFile } = pathsOf(io.env, { policy: options.policy })
  const policy = await usablePolicy(policyFile, reporter)
  if (policy === undefined) return EXIT.usage
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
  if (parsed.kind === 'unreadable') {
    throw new UsageError(`the request is unreadable and would be answered RETRY: ${parsed.reason}`)
  }
  if (fromToken) reporter.warning("the token's signature was not verified")
  const known = { now: timeOf(options.now, io), cosigner: options.cosigner }
  const facts = factsOf(policy, parsed.request, known, createSignatureVerifier())
  const explanation = explain(policy, parsed.request, facts)
  reporter.result({ facts: explanationFacts(explanation), lines: explanationLines(explanation) })
  return EXIT.done
}

async function replayPolicy(options: ReplayOptions, io: CommandIo, reporter: Reporter) {
  const { storePath } = storePathsOf(options, io, reporter)
  const policy = await usablePolicy(options.policy, reporter)
  if (policy === undefined) return EXIT.usage
  const result = await replay(policy, recordedRequests(storePath), createSignatureVerifier())
  reporter.result({ facts: result, lines: replayLines(result) })
  return EXIT.done
}

/** The policy, or undefined after its problems were printed. */
async function usablePolicy(file: string, reporter: Reporter): Promise<Policy | undefined> {
  const result = await loadPolicy(file, { decides: false })
  if (result.ok) return result.policy
  for (const problem of result.problems) reporter.problem(formatProblem(problem))
  return undefined
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
