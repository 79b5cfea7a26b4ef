/** The documents of deploy/kubernetes, read as the API server would read them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

/** As much of a manifest as every kind has. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

/** All documents of all files, in the order of the files' names. */
export function readManifests(folder: string): Manifest[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .flatMap((name) => {
      // 0400 is a number of base eight here and 400 there: version 1.1 is what Kubernetes reads.
      const documents = parseAllDocuments(readFileSync(join(folder, name), 'utf8'), {
        version: '1.1',
        merge: true,
      })
      return Array.from(documents, (document) => {
        if (document.errors[0] !== undefined) throw document.errors[0]
        const manifest: Manifest = document.toJS()
        return manifest
      })
    })
}

/** Those of one kind, with the members that the caller expects of it. */
export function ofKind<T>(manifests: readonly Manifest[], kind: string): (Manifest & T)[] {
  return manifests.filter((each): each is Manifest & T => each.kind === kind)
}
