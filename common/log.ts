/** The log as a port: what a room that is not about logging needs of it; pino's logger is one. */
export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}
