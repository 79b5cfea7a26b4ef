/**
 * Endpoints: what the co-signer can ask, at which stages, and the actions each may be answered
 * with.
 */

/** The last path segment, verbatim from the wire. */
export type Endpoint = 'tx_sign_request' | 'config_change_sign_request'

/** `signing`: the answer lets the co-signer sign bytes. `approval`: it is one approver's vote. */
export type Stage = 'approval' | 'signing'

/** What an answer can say (vendor: response object). */
export type Action = 'APPROVE' | 'REJECT' | 'RETRY' | 'IGNORE'

/**
 * IGNORE drops an approver's vote; the vendor does not support it in the signing stage, so it has
 * no type there.
 */
export type ActionAt<S extends Stage> = S extends 'signing' ? Exclude<Action, 'IGNORE'> : Action

export const ENDPOINTS: readonly Endpoint[] = ['tx_sign_request', 'config_change_sign_request']

/**
 * How bodies travel: `token` = a JWS both ways below `/v2`, `plain` = JSON both ways without it
 * (vendor: security options).
 */
export type Mode = 'token' | 'plain'

/** What a request target asks for. */
export interface Route {
  readonly endpoint: Endpoint
  readonly generation: number
}

/** Every target that is answered, and those that would be in the other mode. */
export interface Routes {
  readonly own: ReadonlyMap<string, Route>
  readonly otherMode: ReadonlyMap<string, Route>
}

/**
 * Where a generation is served: the path of its slot's public URL (`''` or `/a/b`) and its number.
 */
export interface ServedGeneration {
  readonly basePath: string
  readonly generation: number
}

/**
 * Precomputes the targets `<base path>/g<N>[/v2]/<endpoint>`; retired generations are included, so
 * that they can be answered 410.
 */
export function routesFor(mode: Mode, served: readonly ServedGeneration[]): Routes {
  const other = mode === 'token' ? 'plain' : 'token'
  return { own: targets(mode, served), otherMode: targets(other, served) }
}

/**
 * The route of a raw request target, compared byte for byte: nothing is decoded, normalised or
 * stripped.
 */
export function routeOf(target: string, routes: Routes): Route | undefined {
  return routes.own.get(target)
}

/**
 * True when the target would be right in the other mode: the surest sign of a co-signer configured
 * differently.
 */
export function speaksOtherMode(target: string, routes: Routes): boolean {
  return routes.otherMode.has(target)
}

function targets(mode: Mode, served: readonly ServedGeneration[]): ReadonlyMap<string, Route> {
  const version = mode === 'token' ? '/v2' : ''
  const map = new Map<string, Route>()
  for (const { basePath, generation } of served) {
    for (const endpoint of ENDPOINTS) {
      const base = basePath.replace(/\/+$/, '')
      map.set(`${base}/g${generation}${version}/${endpoint}`, { endpoint, generation })
    }
  }
  return map
}
