/** The one guard of ids that become part of a path: of a URL, or of a file. */
import { oneLine } from '../../common/terminal.ts'
import { BootstrapError } from '../errors.ts'

/** The form of ids of co-signers and API users: plain in a URL and in the name of a file, so that none leads elsewhere. */
export const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** INVARIANT: an id in the name of a file leads nowhere but below its folder. @throws BootstrapError */
export function plainId(id: string): string {
  if (ID.test(id)) return id
  throw new BootstrapError('ERR_CONFIG', `\`${oneLine(id)}\` is not an id`)
}

/**
 * One segment of a URL's path. INVARIANT: an id of the API leads nowhere else: `.` and `..` would be taken for steps.
 *
 * @throws BootstrapError
 */
export function segment(id: string): string {
  if (!/^\.{0,2}$/.test(id)) return encodeURIComponent(id)
  throw new BootstrapError('ERR_API_UNAVAILABLE', `the API names \`${id}\`, which is not an id`)
}
