/** `npm run test:browser`: as `npm test`, with what needs a browser, and nothing else. */
import { readFileSync } from 'node:fs'

const packageFile = new URL('../../package.json', import.meta.url)
const { jest } = JSON.parse(readFileSync(packageFile, 'utf8'))

export default {
  ...jest,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/browser/*.browser.ts'],
  maxWorkers: 1,
}
