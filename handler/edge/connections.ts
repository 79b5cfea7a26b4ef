/**
 * The connections of one listener: bounded by number instead of by short time limits, because a time limit that is meant
 * for the peer measures the handler's own pauses too, and a reset fails a transaction for good.
 */
import type { Socket } from 'node:net'

/** How many connections a listener keeps, and how many of those that never brought a genuine request from one address. */
export interface ConnectionLimits {
  readonly total: number
  /** Infinity where a proxy is the one address of everybody. */
  readonly unverifiedPerAddress: number
}

/** Why a connection was closed to make room, or was not let in. */
export type DropReason = 'address-share' | 'oldest-unverified' | 'oldest-idle' | 'full'

export interface Connections {
  /** Takes a new connection in, closing another one or itself when there is no room. */
  readonly accept: (socket: Socket) => void
  /** Of the connection under a request; for TLS the socket that the request names is not the one that was accepted. */
  readonly of: (socket: Socket) => Connection
  readonly size: number
}

/** What the web edge says of a connection. */
export interface Connection {
  /** True once a request on it was genuine. */
  readonly verified: boolean
  /** A request begins; until it is complete the connection may be closed for a newer one. */
  began(): void
  /** The request is complete: from now on the connection is not closed. */
  complete(): void
  /** A co-signer's key (in `certificate` mode: a permitted peer) stands behind the request. */
  genuine(): void
  /** The answer has left. */
  idle(): void
}

interface Entry extends Connection {
  verified: boolean
  readonly socket: Socket
  readonly peer: string
  readonly address: string
}

/**
 * When full, the oldest connection goes that has no complete request: first of those that never brought a genuine one,
 * then of the idle ones, last of those whose genuine caller is in the middle of a request. A connection with a complete
 * request is never closed; when there are no others the new one is.
 */
export function createConnections(
  limits: ConnectionLimits,
  dropped: (reason: DropReason) => void,
): Connections {
  const byPeer = new Map<string, Entry>()
  const known = new WeakMap<Socket, Entry>()
  // Sets keep the order in which members came in: the first is the oldest.
  const unverified = new Set<Entry>()
  const idle = new Set<Entry>()
  const reading = new Set<Entry>()
  const perAddress = new Map<string, Set<Entry>>()

  const leaveQueues = (entry: Entry) => {
    unverified.delete(entry)
    idle.delete(entry)
    reading.delete(entry)
  }
  const isOpen = (entry: Entry) => byPeer.get(entry.peer) === entry
  const enter = (entry: Entry, queue: Set<Entry>) => {
    leaveQueues(entry)
    if (isOpen(entry)) (entry.verified ? queue : unverified).add(entry)
  }
  const leaveAddress = (entry: Entry) => {
    const share = perAddress.get(entry.address)
    share?.delete(entry)
    if (share?.size === 0) perAddress.delete(entry.address)
  }
  const forget = (entry: Entry) => {
    if (isOpen(entry)) byPeer.delete(entry.peer)
    leaveQueues(entry)
    leaveAddress(entry)
  }
  const drop = (entry: Entry, reason: DropReason) => {
    forget(entry)
    entry.socket.destroy()
    dropped(reason)
  }
  const makeRoom = (newcomer: Entry): boolean => {
    const share = perAddress.get(newcomer.address)
    if (share !== undefined && share.size >= limits.unverifiedPerAddress) {
      const oldest = firstOf(share, (entry) => unverified.has(entry))
      if (oldest === undefined) return false
      drop(oldest, 'address-share')
    }
    if (byPeer.size < limits.total) return true
    const oldest = firstOf(unverified) ?? firstOf(idle) ?? firstOf(reading)
    if (oldest === undefined) return false
    drop(oldest, oldest.verified ? 'oldest-idle' : 'oldest-unverified')
    return true
  }

  return {
    accept(socket) {
      const entry: Entry = {
        socket,
        peer: peerOf(socket),
        address: socket.remoteAddress ?? '',
        verified: false,
        began: () => enter(entry, reading),
        complete: () => leaveQueues(entry),
        genuine() {
          entry.verified = true
          leaveAddress(entry)
        },
        idle: () => enter(entry, idle),
      }
      if (!makeRoom(entry)) {
        socket.destroy()
        dropped('full')
        return
      }
      byPeer.set(entry.peer, entry)
      known.set(socket, entry)
      unverified.add(entry)
      const share = perAddress.get(entry.address) ?? new Set()
      perAddress.set(entry.address, share.add(entry))
      socket.once('close', () => forget(entry))
    },
    of(socket) {
      const entry = known.get(socket) ?? byPeer.get(peerOf(socket))
      if (entry === undefined) return UNTRACKED
      known.set(socket, entry)
      return entry
    },
    get size() {
      return byPeer.size
    },
  }
}

/** A connection that takes no part: it is gone already, or its server does not count. */
export const UNTRACKED: Connection = Object.freeze({
  verified: false,
  began: () => undefined,
  complete: () => undefined,
  genuine: () => undefined,
  idle: () => undefined,
})

/** One live connection of a listener per address and port. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? 0}`
}

function firstOf<T>(set: Iterable<T>, fits: (item: T) => boolean = () => true): T | undefined {
  for (const item of set) if (fits(item)) return item
  return undefined
}
