/**
 * The part of Node's own SQLite that `sqlite.ts` uses; the types of Node 20, which the sources are
 * checked with, lack it.
 */
/* oxlint-disable typescript/no-unnecessary-type-parameters */
declare module 'node:sqlite' {
  type Value = string | number | bigint | NodeJS.ArrayBufferView | null

  class DatabaseSync {
    constructor(path: string, options: { readonly readOnly: boolean; readonly timeout: number })
    readonly isOpen: boolean
    readonly isTransaction: boolean
    prepare(sql: string): StatementSync
    exec(sql: string): void
    close(): void
  }

  class StatementSync {
    setReturnArrays(enabled: boolean): void
    run(...values: Value[]): unknown
    /**
     * The caller says what a row is: an object, or an array of its columns after `setReturnArrays`.
     */
    get<Row>(...values: Value[]): Row | undefined
    all<Row>(...values: Value[]): Row[]
    iterate<Row>(...values: Value[]): IterableIterator<Row>
  }
}
