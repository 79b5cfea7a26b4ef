/** Requests of the admin socket by name: method, path, and the forms of the variable parts. */

/** Method and path of every request. */
export const ADMIN_ROUTES = {
  status: ['GET', '/v1/status'],
  /** Stages generation n, or returns it when it exists. */
  stage: ['PUT', '/v1/generations/:generation'],
  /** Ends the drain of a generation that no pairing needs. */
  retire: ['POST', '/v1/generations/:generation/retire'],
  selfTest: ['POST', '/v1/generations/:generation/self-test'],
  /** Says which generations a pairing needs. */
  declare: ['PUT', '/v1/pairings/:cosignerId/:apiKeyId'],
  forget: ['DELETE', '/v1/pairings/:cosignerId/:apiKeyId'],
  /** Says what `doctor` found. */
  tellDrift: ['POST', '/v1/pairings/:cosignerId/:apiKeyId/drift'],
  listHolds: ['GET', '/v1/holds'],
  showHold: ['GET', '/v1/holds/:holdId'],
  requestHold: ['GET', '/v1/holds/:holdId/request'],
  approveHold: ['POST', '/v1/holds/:holdId/approve'],
  rejectHold: ['POST', '/v1/holds/:holdId/reject'],
  showFreeze: ['GET', '/v1/freeze'],
  freeze: ['POST', '/v1/freeze'],
  unfreeze: ['POST', '/v1/unfreeze'],
  listLimits: ['GET', '/v1/limits'],
  releaseLimits: ['POST', '/v1/limits/release'],
  reloadPolicy: ['POST', '/v1/policy/reload'],
} as const satisfies Readonly<Record<string, readonly [AdminMethod, string]>>

type AdminMethod = 'GET' | 'PUT' | 'POST' | 'DELETE'

/** Name of a request. */
export type AdminRoute = keyof typeof ADMIN_ROUTES

type NamesIn<Path> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

/** Name of a variable part of a path. */
type ParamName = NamesIn<(typeof ADMIN_ROUTES)[AdminRoute][1]>

/** The variable parts of a route's path. */
export type AdminParams<R extends AdminRoute> = Readonly<
  Record<NamesIn<(typeof ADMIN_ROUTES)[R][1]>, string>
>

/**
 * The forms of the variable parts. The vendor's ids are UUIDs; anything plain in a URL is taken.
 */
const FORMS: Readonly<Record<ParamName, RegExp>> = {
  generation: /^[1-9]\d{0,8}$/,
  cosignerId: /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/,
  apiKeyId: /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/,
  holdId: /^[0-9a-f]{16}$/,
}

/** The path of a request. @throws RangeError when a variable part has another form */
export function adminPath(route: AdminRoute, params: Readonly<Record<string, string>>): string {
  return ADMIN_ROUTES[route][1].replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = params[name] ?? ''
    if (isParam(name, value)) return value
    throw new RangeError(`\`${value}\` is not a valid ${name}`)
  })
}

/** A request and the variable parts of its path; those that its route has are there. */
export interface AdminMatch {
  readonly route: AdminRoute
  readonly params: Readonly<Partial<Record<ParamName, string>>>
}

/** The request that a method and target name; undefined when there is none. */
export function matchAdminRoute(method: string, target: string): AdminMatch | undefined {
  const asked = target.split('/')
  const names = Object.keys(ADMIN_ROUTES).filter(isAdminRoute)
  for (const route of names) {
    const [verb, path] = ADMIN_ROUTES[route]
    const params = verb === method ? paramsIn(path.split('/'), asked) : undefined
    if (params !== undefined) return { route, params }
  }
  return undefined
}

function isAdminRoute(name: string): name is AdminRoute {
  return Object.hasOwn(ADMIN_ROUTES, name)
}

function paramsIn(
  pattern: readonly string[],
  asked: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== asked.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const found = asked[index] ?? ''
    if (!part.startsWith(':')) {
      if (part !== found) return undefined
      continue
    }
    const name = part.slice(1)
    if (!isParam(name, found)) return undefined
    params[name] = found
  }
  return params
}

function isParam(name: string, value: string): boolean {
  return new Map<string, RegExp>(Object.entries(FORMS)).get(name)?.test(value) === true
}
