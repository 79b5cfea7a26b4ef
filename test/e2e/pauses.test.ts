/**
 * The built handler, stopped for a while as a live migration, a snapshot or a CPU quota would: connections made just
 * before were reset afterwards (20 of 20 after 3 s), although the co-signer waits for 30 s; a reset fails the transaction
 * for good. test/faults does the same for longer pauses.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { expect, it } from '@jest/globals'
import { handlerSetup, transfer, until } from '../fixtures/handler.ts'
import { testKey } from '../fixtures/keys.ts'
import { tokenOf } from '../fixtures/tokens.ts'

const MAIN = join(import.meta.dirname, '../../dist/handler/main.js')

async function paused(ms: number): Promise<readonly string[]> {
  const { settings, ports } = await handlerSetup({})
  const child = spawn(process.execPath, [MAIN, 'run'], { env: settings, stdio: 'pipe' })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  try {
    await until(() => out.includes('"msg":"ready"'))
    const { privateKey } = await testKey('cosigner')
    const [port = 0] = ports
    const sockets = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    // The handler accepts, and its limits count from here.
    await new Promise((resolve) => {
      setTimeout(resolve, 200)
    })
    child.kill('SIGSTOP')
    const answers = sockets.map((socket, n) => {
      const token = tokenOf(privateKey, transfer(`paused-${ms}-${n}`, '1'))
      const secure = tlsConnect({ socket, servername: 'localhost', rejectUnauthorized: false })
      secure.write(
        `POST /g1/v2/tx_sign_request HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${token.length}\r\n\r\n`,
      )
      secure.write(token)
      return new Promise<string>((resolve) => {
        let text = ''
        secure.on('data', (chunk: Buffer) => (text += chunk.toString()))
        secure.on('error', (error) => resolve(String(error)))
        secure.on('end', () => resolve(text.split('\r\n')[0] ?? ''))
      })
    })
    await new Promise((resolve) => {
      setTimeout(resolve, ms)
    })
    child.kill('SIGCONT')
    return await Promise.all(answers)
  } finally {
    child.kill('SIGKILL')
  }
}

it('a connection made before a pause of three seconds is answered after it', async () => {
  expect(new Set(await paused(3_000))).toEqual(new Set(['HTTP/1.1 200 OK']))
})

it('SIGUSR1 opens no inspector, through which any local user would read the keys', async () => {
  const { settings } = await handlerSetup({})
  const child = spawn(process.execPath, [MAIN, 'run'], { env: settings, stdio: 'pipe' })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()))
  try {
    await until(() => out.includes('"msg":"ready"'))
    child.kill('SIGUSR1')
    await new Promise((resolve) => {
      setTimeout(resolve, 500)
    })
    expect(out).not.toContain('Debugger')
    expect(child.exitCode).toBe(null)
  } finally {
    child.kill('SIGKILL')
  }
})
