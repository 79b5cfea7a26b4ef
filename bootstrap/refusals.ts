/** The refusals of a plan, in words and with the way out; pure. */
import type { Pairing } from './compare.ts'
import type { BootstrapErrorCode } from './errors.ts'
import type { Refusal } from './steps.ts'

/** The refusal to touch a pairing that is not what it should be; nothing is ever repaired unasked. */
export function drift(paired: Pairing): { readonly refusal: Refusal } {
  switch (paired.is) {
    case 'absent':
      return refuse('ERR_DRIFT', 'this API key is not paired with this co-signer', 'run `pair`')
    case 'no-handler':
      return refuse(
        'ERR_DRIFT',
        'no callback handler is paired: the co-signer signs everything for this user',
        'run `pair` now',
      )
    case 'foreign':
      return refuse(
        'ERR_DRIFT',
        `the co-signer calls \`${paired.url}\`, which is not a generation of this handler`,
        'find out whose it is; `pair --replace` takes its place',
      )
    case 'mismatch':
      return refuse(
        'ERR_DRIFT',
        `the co-signer calls generation ${paired.generation} but holds another ${paired.fields.join(' and ')}`,
        'find out who changed it; `pair --replace` sends ours again',
      )
    case 'ours':
    default:
      return refuse(
        'ERR_DRIFT',
        `the co-signer calls generation ${paired.generation}, which is retired`,
        'run `rotate`',
      )
  }
}

/** A plan that is only a refusal. */
export function refuse(
  code: BootstrapErrorCode,
  message: string,
  hint: string,
): { readonly refusal: Refusal } {
  return { refusal: { code, message, hint } }
}
