/**
 * Property tests draw from one fixed seed, so that a red run is red again for everybody. Another seed, or `random`:
 * COUNTERSIGN_PROPERTY_SEED; how many cases: COUNTERSIGN_PROPERTY_RUNS where a test reads it.
 */
import fc from 'fast-check'

const wanted = process.env['COUNTERSIGN_PROPERTY_SEED'] ?? '20261121'

if (wanted !== 'random') fc.configureGlobal({ seed: Number(wanted) })
