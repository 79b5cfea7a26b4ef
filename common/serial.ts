/** A queue of tasks that run one after the other. */

/** Runs a task after all that were given before it have ended, well or not. */
export type Serial = <T>(task: () => Promise<T>) => Promise<T>

/** An empty queue. A task that fails rejects its own promise and does not stop the next. */
export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const result = last.then(task)
    last = result.catch(() => undefined)
    return result
  }
}
