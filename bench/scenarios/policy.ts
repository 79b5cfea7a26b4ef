/** The policy alone, in this process: loading it, and asking it. */
import { addressList, policyYaml } from '../policies.ts'
import type { PolicyShape } from '../policies.ts'
import type { Section } from '../report.ts'
import { text } from '../report.ts'
import type { Rig } from '../rig.ts'
import { sampleFacts, samplePolicy, sampleRequest } from '../sample.ts'
import { median } from '../stats.ts'
import { evaluate } from '../../handler/policy/evaluate.ts'

const LIST = 'payees.txt'
const SAMPLES = 200

/** A policy and what it is called in the table. */
interface Case {
  readonly label: string
  readonly shape: PolicyShape
  /** Addresses in its list. */
  readonly listed?: number
  /** What the request has instead of its asset. */
  readonly asset?: undefined
  /** The rule that decides, when that is not the last one. */
  readonly decides?: string
}

const REFUSING: PolicyShape = { rules: 10_000, refusing: true }

/** Measures policies of growing size. */
export function policy(rig: Rig): Promise<Section> {
  rig.say('policy')
  const sizes = [10, 100, 1_000, 10_000].map((rules) => ({
    label: `${text(rules)} rules`,
    shape: { rules },
  }))
  const cases: readonly Case[] = [
    ...sizes,
    { label: '10,000 rules, all others refuse', shape: REFUSING },
    {
      label: '10,000 rules, all others refuse, no asset in the request',
      shape: REFUSING,
      asset: undefined,
      decides: 'uncertain',
    },
    {
      label: '100 rules, list of 100,000 addresses',
      shape: { rules: 100, listFile: LIST },
      listed: 100_000,
    },
  ]
  const rows = cases.map((one) => {
    const { label, shape, listed, decides = 'allowed', ...changes } = one
    const lists = new Map(listed === undefined ? [] : [[LIST, addressList(listed)]])
    const yaml = policyYaml(shape)
    const beganAt = performance.now()
    const loaded = samplePolicy(yaml, lists)
    const loadMs = performance.now() - beganAt
    const request = { ...sampleRequest('4b1c9b58-5f3c-4b5e-9a52-f4a7f0f5a0c1'), ...changes }
    const facts = sampleFacts(new Date())
    const decided = evaluate(loaded, request, facts).decision
    if (decided.rule !== decides) throw new Error(`the rule \`${decided.rule}\` decided`)
    const us = medianUs(() => evaluate(loaded, request, facts), callsPerSample(one))
    return [label, text(us), text(loadMs)]
  })
  return Promise.resolve({
    title: 'Policy, in process',
    notes: [
      'The last rule matches, but where the request names no asset; one rule in a hundred differs from it only in the amount, which no index can tell.',
      `Medians of ${SAMPLES} samples. Loading: parse, check and index.`,
    ],
    columns: ['policy', 'evaluate µs', 'load ms'],
    rows,
    figures: [],
  })
}

/** Enough to be timed; where every rule is looked at, one call is. */
function callsPerSample({ shape: { rules }, decides }: Case): number {
  return decides === undefined ? Math.max(20, 200_000 / (rules + 100)) : 1
}

/** Median over the samples of the mean time of one call, in microseconds. */
function medianUs(work: () => unknown, perSample: number): number {
  const samples: number[] = []
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const beganAt = performance.now()
    for (let i = 0; i < perSample; i += 1) work()
    samples.push(((performance.now() - beganAt) * 1000) / perSample)
  }
  return median(samples)
}
