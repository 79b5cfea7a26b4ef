/** One signed request with hostile content, made from one that the policy would approve. */
import { transfer } from '../../../emulator/demo/requests.ts'

/** What may come of a signed request: anything but an approval, or exactly what the harmless request gets. */
export interface HostileContent {
  readonly what: string
  /** JSON text; `<id>` stands for the request id. */
  readonly payload: string
  readonly mayApprove: boolean
}

/** A request of `0.25` with text replaced; the ids become `<id>`. */
export function request(change: (text: string) => string): string {
  const claims = transfer('0.25')
  const id = String(claims['txId'])
  return change(JSON.stringify(claims).replaceAll(id, '<id>'))
}

/** Content that must not be approved. */
export function refused(what: string, payload: string): HostileContent {
  return { what, payload, mayApprove: false }
}
