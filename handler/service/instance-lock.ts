/** One handler per state directory: a lock of the kernel that ends with the process, however it ends. */
import { join } from 'node:path'
import { CountersignError } from '../../common/errors.ts'
import { takeKernelLock } from '../../common/kernel-lock.ts'

/** Another process serves from this state directory. */
export class InstanceLockError extends CountersignError {
  readonly code = 'ERR_LOCKED'
}

/** The lock of a state directory; made by the first handler. */
export function instanceLockPath(stateDir: string): string {
  return join(stateDir, 'handler.lock')
}

/** Takes the lock; returns what releases it. @throws InstanceLockError */
export function lockStateDirectory(stateDir: string): () => void {
  const lock = takeKernelLock(instanceLockPath(stateDir))
  if (lock !== undefined) return () => lock.release()
  throw new InstanceLockError(`another handler runs on \`${stateDir}\``, {
    hint: 'stop it first, or give this one a state directory of its own',
  })
}
