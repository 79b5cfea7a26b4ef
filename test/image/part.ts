/** A part of the harness: one platform on which the image or the package is run. */
import type { Report } from '../faults/report.ts'
import type { Engine } from './engine.ts'

export interface Context {
  readonly engine: Engine
  /** The checkout. */
  readonly project: string
  /** The image of the project's Dockerfile, in the engine's store. */
  readonly image: string
  /** The image it was built on. */
  readonly base: string
  readonly environment: Readonly<Record<string, string>>
  readonly report: Report
}

export interface Part {
  readonly name: string
  run(context: Context): Promise<void>
}
