/** The registry of `/metrics`, made after the handler serves: nothing that counts has to wait for the library to load. */
import type prom from 'prom-client'

/** Adds metrics to the registry, once the library is there. */
export type Define = (library: typeof prom, registry: prom.Registry) => void

export interface Prometheus {
  /** Called before the registry is made. */
  readonly define: (define: Define) => void
  /** Makes the registry, if it is not there yet. */
  readonly load: () => Promise<prom.Registry>
}

/** No registry yet; the metrics of the process and of Node.js will be in it. */
export function createPrometheus(): Prometheus {
  const definitions: Define[] = []
  let loading: Promise<prom.Registry> | undefined
  const make = async () => {
    const { default: library } = await import('prom-client')
    const registry = new library.Registry()
    library.collectDefaultMetrics({ register: registry, prefix: 'countersign_' })
    for (const define of definitions) define(library, registry)
    return registry
  }
  return {
    define: (define) => {
      definitions.push(define)
    },
    load: () => (loading ??= make()),
  }
}
