/** One JSON object per line and per delivery: only listed fields, only ASCII, never a payload, written in batches. */
import pino from 'pino'
import type { AlarmEvent, CallbackLog, DecidedEvent, RefusedEvent } from '../callback/ports.ts'
import { loggedFields } from '../decisions/decision-fields.ts'
import { CallbackError } from '../protocol/errors.ts'

/** Where lines go. */
export interface LogStream {
  write(line: string): void
}

export type Logger = pino.Logger

/** A logger with the base fields; every non-ASCII or control character of a value is written as an escape. */
export function createLogger(stream: LogStream, level: string, version: string): Logger {
  const ascii = { write: (line: string) => stream.write(escapeLine(line)) }
  return pino(
    {
      level,
      base: { app: 'countersign-handler', version, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    ascii,
  )
}

/** Replaces what a terminal or a log reader could take for more than text (ASVS 16.4.1); the line stays valid JSON. */
export function escapeLine(line: string): string {
  return /[^\n\x20-\x7e]/.test(line)
    ? line.replaceAll(
        /[^\n\x20-\x7e]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
    : line
}

/** The log of deliveries, as the straight line and the web edge see it. */
export function callbackLog(logger: Logger): CallbackLog {
  return {
    decided: (event) => logger.info(decidedFields(event), 'decided'),
    refused: (event) => {
      const level = event.error instanceof CallbackError ? levelOf(event.error) : 'error'
      logger[level](refusedFields(event), 'refused')
    },
    inconsistent: ({ deliveryId, requestId, checks }) => {
      const answers = checks.map(({ check, answer }) => `${check}: ${answer}`)
      logger.warn({ deliveryId, requestId: short(requestId), checks: answers }, 'inconsistent')
    },
    alarm: (event) => logger.error(alarmFields(event), 'alarm'),
  }
}

function levelOf({ code }: CallbackError): 'debug' | 'info' | 'warn' | 'error' {
  if (code === 'ERR_PROBE') return 'debug'
  if (code === 'ERR_GENERATION_RETIRED' || code === 'ERR_SIGNING_UNAVAILABLE') return 'error'
  return code === 'ERR_NOT_FOUND' ? 'info' : 'warn'
}

function decidedFields(event: DecidedEvent) {
  const { txId, seq, repeated, unknownMembers, durationMs, traceparent } = event
  return {
    ...loggedFields(event, short),
    txId: short(txId),
    seq,
    repeated,
    unknownMembers:
      unknownMembers.length === 0 ? undefined : unknownMembers.slice(0, 20).map(short),
    durationMs: Math.round(durationMs * 100) / 100,
    traceparent,
  }
}

function refusedFields({ deliveryId, endpoint, generation, error, traceparent }: RefusedEvent) {
  const code = error instanceof CallbackError ? error.code : 'ERR_INTERNAL'
  const bug = error instanceof CallbackError ? undefined : error
  return { deliveryId, endpoint, generation, code, detail: error.message, err: bug, traceparent }
}

function alarmFields({ kind, deliveryId, requestId, error }: AlarmEvent) {
  return { kind, deliveryId, requestId: short(requestId), err: error }
}

/** Long text would let one request fill the log. */
function short<T>(text: T): T | string {
  return typeof text === 'string' && text.length > 128 ? `${text.slice(0, 128)}…` : text
}

/** Message and stack, and the chain of causes by message; no other property of an error is logged. */
function describeError(error: unknown): Readonly<Record<string, unknown>> | undefined {
  if (error === undefined) return undefined
  if (!(error instanceof Error)) return { message: 'not an error was thrown' }
  const cause = error.cause === undefined ? undefined : describeError(error.cause)
  return { type: error.name, message: error.message, stack: error.stack, cause }
}
