/** What deliveries share: one decision for concurrent copies, one signature for equal answers. */

/** Work in flight and recent signatures, bounded; made once per process. */
export interface SharedWork {
  /** Runs `work` unless the same work is running, and gives its outcome to every caller. */
  join<T>(name: string, work: () => Promise<T>): Promise<T>
}
