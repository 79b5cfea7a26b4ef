/**
 * What `run` would open: the store, the lock, the addresses and the admin socket. Each is tried as `run` would, and
 * nothing is kept or made; a process that starts at the same instant may find its lock or address taken.
 */
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { errnoOf, messageOf } from '../../common/errors.ts'
import { listen } from '../../common/http.ts'
import type { Config } from '../config/config.ts'
import { formatAddress } from '../config/config-values.ts'
import type { ListenAddress } from '../config/config-values.ts'
import { assertSocketFree } from '../control/socket.ts'
import { openReadOnly } from '../decisions/sqlite/database.ts'
import type { Finding } from './inspections.ts'
import { instanceLockPath, lockStateDirectory } from './instance-lock.ts'

/**
 * Tries everything. `running`: a handler runs with these settings, so that its lock, addresses and socket are taken and
 * only the store is looked at.
 */
export async function lookAtOpenings(config: Config, running: boolean): Promise<Finding[]> {
  const { storePath, stateDir, slots, opsListen, adminSocket } = config
  const store = existsSync(storePath)
    ? await attempt('store', `\`${storePath}\``, () => openReadOnly(storePath).close())
    : found('store', `\`${storePath}\` does not exist yet and would be made`)
  if (running) return [store]
  const lock = await attempt('lock', 'free', () => {
    if (existsSync(instanceLockPath(stateDir))) lockStateDirectory(stateDir)()
  })
  // What the handler that has the lock listens on says nothing more.
  if (!lock.ok) return [store, lock]
  const addresses = new Map(
    [...slots.map((slot) => slot.listen), opsListen].map((each) => [formatAddress(each), each]),
  )
  const tried: Finding[] = []
  for (const [text, address] of addresses) {
    tried.push(await attempt('address', `\`${text}\``, () => assertAddressFree(address)))
  }
  const socket = await attempt('socket', `\`${adminSocket}\``, () => assertSocketFree(adminSocket))
  return [store, lock, ...tried, socket]
}

/** @throws Error when the address cannot be listened on */
async function assertAddressFree(address: ListenAddress): Promise<void> {
  const server = createServer()
  try {
    await listen(server, address)
  } catch (cause) {
    const code = errnoOf(cause) ?? messageOf(cause)
    throw new Error(`cannot listen on \`${formatAddress(address)}\` (${code})`, { cause })
  } finally {
    server.close()
  }
}

async function attempt(
  item: Finding['item'],
  detail: string,
  act: () => unknown,
): Promise<Finding> {
  try {
    await act()
    return found(item, detail)
  } catch (error) {
    return { item, ok: false, detail: messageOf(error) }
  }
}

function found(item: Finding['item'], detail: string): Finding {
  return { item, ok: true, detail }
}
