/** The policy language as JSON Schema, for editors; generated from the schema that parses. */
import { z } from 'zod'
import { policySchema } from './schema.ts'

/** JSON Schema, draft 2020-12, with two-space indentation and a final line feed. */
export function policyJsonSchema(): string {
  const schema = {
    title: 'Countersign policy',
    description: 'Rules that decide the callbacks of an API co-signer; the first that matches wins',
    ...z.toJSONSchema(policySchema, { io: 'input', unrepresentable: 'any', reused: 'ref' }),
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}
