/** The handler as the bootstrapper sees it through the admin socket. */
import { AdminUnreachableError, createAdminClient } from '../common/admin-client.ts'
import type {
  GenerationInfo,
  HandlerStatus,
  PairingNeeds,
  RetireRequest,
  SelfTestAnswer,
  SelfTestRequest,
  StageRequest,
} from '../common/admin-api.ts'
import { AdminError } from '../common/admin-error.ts'
import { oneLine } from '../common/terminal.ts'
import { BootstrapError } from './errors.ts'

/** A refusal of the handler, with the code of its answer. */
export class HandlerRefusal extends BootstrapError {
  readonly adminCode: string

  constructor(adminCode: string, message: string) {
    super('ERR_HANDLER_UNAVAILABLE', `the handler refused: ${oneLine(message)} (${adminCode})`, {
      hint: 'see the log of the handler',
    })
    this.adminCode = adminCode
  }
}

/**
 * What the bootstrapper asks. Every method rejects with `ERR_HANDLER_UNAVAILABLE` when no answer
 * comes.
 */
export interface HandlerAdmin {
  status(): Promise<HandlerStatus>
  /** Makes generation n, or returns it when it exists. */
  stage(generation: number, request: StageRequest): Promise<GenerationInfo>
  /** Ends the drain of a generation. */
  retire(generation: number, request: RetireRequest): Promise<GenerationInfo>
  selfTest(generation: number, request: SelfTestRequest): Promise<SelfTestAnswer>
  /** Says which generations a pairing needs served. */
  declare(cosignerId: string, apiKeyId: string, needs: PairingNeeds): Promise<HandlerStatus>
  forget(cosignerId: string, apiKeyId: string): Promise<HandlerStatus>
  /** Says what `doctor` found; null: what is paired is what is served. */
  tellDrift(cosignerId: string, apiKeyId: string, drift: string | null): Promise<HandlerStatus>
}

/** The handler whose admin socket is at `path`. */
export function connectHandler(path: string): HandlerAdmin {
  const client = createAdminClient(path)
  const fail = (error: unknown): never => {
    if (error instanceof AdminError) throw new HandlerRefusal(error.code, error.message)
    if (!(error instanceof AdminUnreachableError)) throw error
    throw new BootstrapError(
      'ERR_HANDLER_UNAVAILABLE',
      `no handler answers at \`${path}\` (${error.message})`,
      { cause: error, hint: 'start the handler, or name its socket with `--handler-socket`' },
    )
  }
  return {
    status: async () => {
      const status = await client.ask('status', {}).catch(fail)
      if (status.version === 1 && Array.isArray(status.generations)) return status
      throw new BootstrapError(
        'ERR_HANDLER_UNAVAILABLE',
        'the handler speaks another version of the admin protocol',
        { hint: 'run handler and bootstrapper of the same release' },
      )
    },
    stage: (generation, request) =>
      client.ask('stage', { generation: String(generation) }, request).catch(fail),
    retire: (generation, request) =>
      client.ask('retire', { generation: String(generation) }, request).catch(fail),
    selfTest: (generation, request) =>
      client.ask('selfTest', { generation: String(generation) }, request).catch(fail),
    declare: (cosignerId, apiKeyId, needs) =>
      client.ask('declare', { cosignerId, apiKeyId }, needs).catch(fail),
    tellDrift: (cosignerId, apiKeyId, drift) =>
      client.ask('tellDrift', { cosignerId, apiKeyId }, { drift }).catch(fail),
    forget: (cosignerId, apiKeyId) => client.ask('forget', { cosignerId, apiKeyId }).catch(fail),
  }
}
