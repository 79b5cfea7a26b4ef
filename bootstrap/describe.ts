/** Puts plans into words: one line per step, as `--dry-run`, `status` and the story show them. */
import type { UserStep } from './plan-user.ts'
import type { Step } from './steps.ts'

/** One step of a pairing, in the imperative. */
export function describeStep(step: Step): string {
  switch (step.do) {
    case 'stage': {
      const fresh = `${step.oneKey === true ? 'one new key' : 'a new key'}${step.algorithm === undefined ? '' : ` (${step.algorithm})`}`
      const key = step.renewOf === undefined ? fresh : `the key of generation ${step.renewOf}`
      return `have the handler make generation ${step.generation} with ${key} and a new certificate`
    }
    case 'declare':
      return `tell the handler: live ${step.live ?? 'none'}, pending ${step.pending ?? 'none'}`
    case 'probe':
      return `probe generation ${step.generations.join(' and ')}: certificate, path, signature`
    case 'pair':
      return `PUT: pair generation ${step.generation}${step.idempotencyKey === null ? '' : ' (same idempotency key as before)'}`
    case 'update-callback-handler':
      return `PATCH: replace the callback handler by generation ${step.generation}`
    case 'unpair':
      return 'DELETE: remove the pairing'
    case 'await-approval':
      return step.requestId === null
        ? 'wait until people have approved and the API shows it'
        : `wait for the approval of request ${step.requestId}`
    case 'verify':
      return step.generation === null
        ? 'read back: no pairing'
        : `read back: URL, key and certificate of generation ${step.generation}`
    case 'activate':
      return `tell the handler: live ${step.generation}; what was live before drains`
    case 'retire':
      return `have the handler retire generation ${step.generation} now: calls to it get 410`
    case 'forget':
      return 'tell the handler that nothing is paired any more'
    case 'roll-back':
    default:
      return `clear the pending generation (${step.reason}); live ${step.live ?? 'none'} stays`
  }
}

/** One step of a user's creation, in the imperative. */
export function describeUserStep(step: UserStep): string {
  switch (step.do) {
    case 'generate-key':
      return 'make an RSA-4096 key and a CSR in the state directory'
    case 'create-api-user':
      return `POST: ask for the API user${step.idempotencyKey === null ? '' : ' (same idempotency key as before)'}`
    case 'await-user':
      return 'wait until people have approved and exactly one such user is listed'
    case 'prove-possession':
      return 'sign one GET as the new user'
    case 'issue-pairing-token':
    default:
      return 'POST: issue a pairing token, valid for one hour, into a private file'
  }
}
