/** Admission: only what can be answered in time gets in, and signatures run in order, a few at once. */
import { describe, expect, it } from '@jest/globals'
import { createAdmission } from '../../../handler/edge/admission.ts'
import { settableClock } from '../../fixtures/settable-clock.ts'

function gate() {
  const waiting: (() => void)[] = []
  const job = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve)
    })
  return { job, waiting, open: () => waiting.shift()?.() }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
}

/** A signer in this process, and one that is somewhere else. */
const POOL = {}
const TOKEN = { lanes: 2 }

describe('signatures', () => {
  it('of a slow token wait for its own lanes, and keep nobody else waiting', async () => {
    const admission = createAdmission({ clock: settableClock(), cores: 1, maxWaitMs: 1_000 })
    const { job, waiting, open } = gate()
    const slow = [1, 2, 3].map(() => admission.of(TOKEN).sign(job))
    await turns()
    expect([waiting.length, admission.queued]).toEqual([2, 1])
    expect(await admission.of(POOL).sign(() => Promise.resolve('signed'))).toBe('signed')
    expect(await admission.of({ lanes: 2 }).sign(() => Promise.resolve('other'))).toBe('other')
    for (let step = 0; step < 3; step += 1) {
      open()
      await turns()
    }
    await Promise.all(slow)
    expect(admission.queued).toBe(0)
  })

  // A keystore that was silent held every turn, and a generation with its key in a file was answered after 22 s, or not.
  it('of a token that is silent hold no turn of those who need another key, nor their time', async () => {
    const clock = settableClock()
    const admission = createAdmission({ clock, cores: 1, maxWaitMs: 1_000 })
    const [token, pool] = [admission.of(TOKEN), admission.of(POOL)]
    expect([admission.of(TOKEN), admission.of({})]).toEqual([token, pool])
    const { job, waiting, open } = gate()
    const slow = Array.from({ length: 9_000 }, () =>
      token.work(Number.POSITIVE_INFINITY, () => token.sign(job)),
    )
    expect(
      await pool.work(Number.POSITIVE_INFINITY, () => pool.sign(() => Promise.resolve('signed'))),
    ).toBe('signed')
    while (waiting.length > 0 || admission.queued > 0) {
      clock.advance(10)
      open()
      await turns()
    }
    await Promise.allSettled(slow)
    expect([token.enter(1), token.enter(1), pool.enter(1), pool.enter(1)]).toEqual([
      true,
      false,
      true,
      true,
    ])
    expect(admission.inFlight).toBe(3)
  })

  it('are given to the thread pool sixteen at once, the others wait in order of arrival', async () => {
    const admission = createAdmission({ clock: settableClock(), cores: 5, maxWaitMs: 1_000 })
    const { job, waiting, open } = gate()
    const done: number[] = []
    const order = Array.from({ length: 18 }, (_, n) => n)
    const all = order.map(async (n) => {
      await admission.of(POOL).sign(job)
      done.push(n)
    })
    await turns()
    expect([waiting.length, admission.queued]).toEqual([16, 2])
    for (let step = 0; step < 18; step += 1) {
      open()
      await turns()
      await turns()
    }
    await Promise.all(all)
    expect([done, admission.queued]).toEqual([order, 0])
  })

  it('that waited too long are not made: the caller is gone', async () => {
    const clock = settableClock()
    const admission = createAdmission({ clock, cores: 1, maxWaitMs: 1_000 })
    const { job, open } = gate()
    const first = Array.from({ length: 16 }, () => admission.of(POOL).sign(job))
    const late = admission.of(POOL).sign(job)
    await turns()
    clock.advance(1_001)
    open()
    await first[0]
    await expect(late).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
    expect(await admission.of(POOL).sign(() => Promise.resolve('next'))).toBe('next')
  })

  it('that fail free their slot', async () => {
    const admission = createAdmission({ clock: settableClock(), cores: 1, maxWaitMs: 1_000 })
    await expect(
      admission.of(POOL).sign(() => Promise.reject(new Error('no key'))),
    ).rejects.toThrow()
    expect(await admission.of(POOL).sign(() => Promise.resolve(1))).toBe(1)
  })

  it('are served in order through a queue of thousands', async () => {
    const admission = createAdmission({ clock: settableClock(), cores: 1, maxWaitMs: 1_000 })
    const done: number[] = []
    const jobs = Array.from({ length: 5_000 }, (_, n) =>
      admission.of(POOL).sign(async () => {
        done.push(n)
      }),
    )
    await Promise.all(jobs)
    expect(done).toEqual(Array.from({ length: 5_000 }, (_, n) => n))
  })
})

describe('a request', () => {
  /** Keeps the handler busy with jobs that finish every 10 ms. */
  async function busyAdmission(cores: number) {
    const clock = settableClock()
    const admission = createAdmission({ clock, cores, maxWaitMs: 100_000 })
    const jobs = Array.from({ length: 9_000 }, () =>
      admission.of(POOL).work(Number.POSITIVE_INFINITY, async () => clock.advance(10)),
    )
    await Promise.all(jobs)
    return { clock, admission }
  }

  it('gets in while the work ahead fills no more than most of its time, at the pace of late', async () => {
    const { admission } = await busyAdmission(1)
    expect(admission.of(POOL).paceMs).toBeCloseTo(10, 0)
    let entered = 0
    while (admission.of(POOL).enter(1_000)) entered += 1
    expect([entered, admission.inFlight]).toEqual([60, 60])
    admission.of(POOL).leave()
    expect(admission.of(POOL).enter(1_000)).toBe(true)
  })

  it('without time left stays out, however idle the handler is', () => {
    const admission = createAdmission({ clock: settableClock(), cores: 2, maxWaitMs: 1_000 })
    expect(admission.of(POOL).enter(0)).toBe(true)
    expect(admission.of(POOL).enter(0)).toBe(false)
    expect(admission.of(POOL).enter(-1)).toBe(false)
  })

  it('waits for its turn, and is not worked on when that comes too late', async () => {
    const clock = settableClock()
    const admission = createAdmission({ clock, cores: 1, maxWaitMs: 1_000 })
    const { job, waiting, open } = gate()
    const first = Array.from({ length: 32 }, () => admission.of(POOL).work(2_000, job))
    const late = admission.of(POOL).work(2_000, job)
    await turns()
    expect(waiting).toHaveLength(32)
    clock.advance(1_001)
    open()
    await expect(late).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
    while (waiting.length > 0) open()
    await Promise.all(first)
    expect(await admission.of(POOL).work(3_000, () => Promise.resolve('next'))).toBe('next')
  })

  it('that fails gives its turn to the next', async () => {
    const admission = createAdmission({ clock: settableClock(), cores: 1, maxWaitMs: 1_000 })
    const failing = Array.from({ length: 40 }, () =>
      admission.of(POOL).work(1_000, () => Promise.reject(new Error('no store'))),
    )
    expect(new Set((await Promise.allSettled(failing)).map(({ status }) => status))).toEqual(
      new Set(['rejected']),
    )
    expect(await admission.of(POOL).work(1_000, () => Promise.resolve(1))).toBe(1)
  })
})
