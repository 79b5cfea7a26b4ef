/** Conditions on the content that is signed: paths into `extraParameters`, and typed data. */
import { z } from 'zod'
import { oneOrMore, text, texts, unknown } from './schema-atoms.ts'

const extraParameterBlock = z.strictObject({
  path: z
    .string()
    .regex(
      /^[A-Za-z0-9_-]+(?:\.(?:[A-Za-z0-9_-]+|\*))*$/,
      'expected names joined by `.`, such as `rawMessageData.messages.*.type`',
    )
    .optional(),
  equals: oneOrMore(z.union([text, z.boolean()])).optional(),
  present: z.literal(true).optional(),
  unknown,
})

/** Conditions on a path into `extraParameters`. */
export const extraParameter = z.strictObject({
  ...extraParameterBlock.shape,
  every: extraParameterBlock.optional(),
  any: extraParameterBlock.optional(),
})

const typedDataBlock = z.strictObject({
  chainId: texts.optional(),
  primaryType: texts.optional(),
  verifyingContract: texts.optional(),
  unknown,
})

/** Conditions on EIP-712 messages. */
export const typedData = z.strictObject({
  ...typedDataBlock.shape,
  every: typedDataBlock.optional(),
  any: typedDataBlock.optional(),
})
