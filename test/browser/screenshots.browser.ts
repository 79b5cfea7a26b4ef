/** Pictures for docs/console.md, taken of a handler that runs: only where COUNTERSIGN_SCREENSHOTS names their folder. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { transfer } from '../fixtures/handler.ts'
import { openDesk } from './desk.ts'

const folder = process.env['COUNTERSIGN_SCREENSHOTS']
const SHADOW = `version: 2
default: REJECT
rules:
  - id: small
    when: { endpoint: tx_sign_request, operation: TRANSFER, asset: ETH_TEST, amount: { max: '1' } }
    then: APPROVE
`

const picture = folder === undefined ? it.skip : it
picture('pictures of the page', async () => {
  const into = (name: string) => join(folder ?? '', `${name}.png`)
  await mkdir(folder ?? '', { recursive: true })
  const desk = await openDesk({
    shadow: SHADOW,
    browser: { viewport: { width: 1120, height: 900 } },
  })
  const { handler, clock, origin } = desk
  const needs = (live: number) =>
    handler.admin('PUT', '/v1/pairings/cosigner/api-user', {
      live,
      pending: null,
      drainMs: 7_200_000,
    })
  for (let minute = 0; minute < 100; minute += 1) {
    const busy = 1 + Math.round(2 + 2 * Math.sin(minute / 9))
    for (let at = 0; at < busy; at += 1) {
      const amount = minute % 11 === 0 ? '900' : minute % 4 === 0 ? '1.25' : '0.5'
      const asset = minute % 17 === 3 && at === 0 ? { asset: 'BTC_TEST' } : {}
      await handler.callback(transfer(`t-${minute}-${at}`, amount, asset))
    }
    if (minute === 0) await needs(1)
    if (minute === 60) await handler.admin('PUT', '/v1/generations/2', {})
    if (minute === 75) await needs(2)
    clock.advance(60_000)
  }
  const [ada, bob] = await desk.people()
  const path = await desk.held('invoice-4711')
  for (const { page } of [bob, ada]) {
    await page.goto(origin + path)
    if (page === ada.page) await page.screenshot({ path: into('hold'), fullPage: true })
    if (page === bob.page) await page.getByRole('button', { name: 'Approve' }).click()
    await page.locator('#hold-state', { hasText: '1 of 2' }).waitFor()
  }
  const { page } = ada
  await page.goto(origin)
  await page.screenshot({ path: into('overview'), fullPage: true })
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.screenshot({ path: into('overview-dark'), fullPage: true })
  expect(await page.locator('#shadow').count()).toBe(1)
})
