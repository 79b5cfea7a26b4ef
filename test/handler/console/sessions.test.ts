/** Sessions and challenges: short, used once, and over as soon as the policy no longer names the key. */
import { describe, expect, it } from '@jest/globals'
import { consoleUrl } from '../../../handler/config/config-values.ts'
import { createChallenges } from '../../../handler/console/challenges.ts'
import { createSessions, SESSION_MS } from '../../../handler/console/sessions.ts'
import { settableClock } from '../../fixtures/settable-clock.ts'

const ADA = { name: 'ada', key: 'k1' }

function sessionsAt(url: string) {
  const clock = settableClock()
  const known = new Set(['k1', 'k2'])
  const sessions = createSessions(clock, consoleUrl(url), ({ key }) => known.has(key))
  const begin = (person = ADA) => sessions.begin(person).split(';')[0] ?? ''
  return { clock, known, sessions, begin }
}

describe('a session', () => {
  it('is in a cookie that no script and no other site can use', () => {
    const { sessions } = sessionsAt('https://console.test')
    expect(sessions.begin(ADA)).toMatch(
      /^__Host-countersign=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure; Max-Age=900$/,
    )
    const local = sessionsAt('http://localhost:9464')
    expect(local.sessions.begin(ADA)).toMatch(
      /^countersign-localhost-9464=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=900$/,
    )
  })

  it('is found among other cookies, and nothing else is one', () => {
    const { sessions, begin } = sessionsAt('https://console.test')
    const cookie = begin()
    expect(sessions.of(`a=b; ${cookie}; c=d`)).toMatchObject(ADA)
    const [name = '', value = ''] = cookie.split('=')
    for (const other of [
      undefined,
      '',
      name,
      `${name}=`,
      `x${cookie}`,
      `${name}=${value.slice(1)}`,
      `${name}=__proto__`,
    ]) {
      expect(sessions.of(other)).toBeUndefined()
    }
  })

  it('ends after its time, whatever was done in it and wherever the wall clock is set', () => {
    const { sessions, begin, clock } = sessionsAt('https://console.test')
    const cookie = begin()
    clock.advance(SESSION_MS - 1)
    clock.setWall(new Date(0))
    expect(sessions.of(cookie)).toMatchObject(ADA)
    clock.advance(1)
    expect(sessions.of(cookie)).toBeUndefined()
  })

  it('ends when the policy no longer names its key, and does not come back with it', () => {
    const { sessions, begin, known } = sessionsAt('https://console.test')
    const cookie = begin()
    const other = begin({ name: 'ada', key: 'k2' })
    known.delete('k1')
    expect(sessions.of(cookie)).toBeUndefined()
    known.add('k1')
    expect(sessions.of(cookie)).toBeUndefined()
    expect(sessions.of(other)).toMatchObject({ key: 'k2' })
  })

  it('ends when its person says so', () => {
    const { sessions, begin } = sessionsAt('https://console.test')
    const cookie = begin()
    const other = begin()
    expect(sessions.end(cookie)).toBe(
      '__Host-countersign=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0',
    )
    expect([sessions.of(cookie), sessions.of(other)]).toEqual([undefined, expect.anything()])
  })

  it('is one of a hundred at most: a further one ends the oldest', () => {
    const { sessions, begin } = sessionsAt('https://console.test')
    const cookies = Array.from({ length: 101 }, () => begin())
    expect(cookies.map((cookie) => sessions.of(cookie) !== undefined)).toEqual(
      cookies.map((_, at) => at > 0),
    )
  })
})

describe('a challenge', () => {
  it('is used once, within two minutes', () => {
    const clock = settableClock()
    const challenges = createChallenges(clock)
    const [first, second, third] = [challenges.make(), challenges.make(), challenges.make()]
    expect(new Set([first, second, third]).size).toBe(3)
    expect([challenges.use(first), challenges.use(first)]).toEqual([true, false])
    clock.advance(119_999)
    expect([challenges.use(second), challenges.use(first)]).toEqual([true, false])
    clock.advance(1)
    expect(challenges.use(third)).toBe(false)
  })

  it('is of this process, and not altered', () => {
    const clock = settableClock()
    const challenges = createChallenges(clock)
    const made = challenges.make()
    const bytes = Buffer.from(made, 'base64url')
    for (const at of [0, 7, 20, 30, 55]) {
      const altered = Buffer.from(bytes)
      altered[at] = (altered[at] ?? 0) ^ 1
      expect(challenges.use(altered.toString('base64url'))).toBe(false)
    }
    for (const other of ['', 'AAAA', `${made}AAAA`, createChallenges(clock).make()]) {
      expect(challenges.use(other)).toBe(false)
    }
    expect(challenges.use(made)).toBe(true)
  })
})
