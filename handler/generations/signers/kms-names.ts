/** Names of AWS KMS: the place of new keys, and a key for ever. */
import { KeystoreError } from './keystore.ts'

export interface KmsPlace {
  readonly region: string
  readonly owner: string
}

export interface KmsKey {
  readonly region: string
  readonly arn: string
}

/** `kms:<region>/<owner>`. @throws KeystoreError */
export function parseKmsPlace(where: string): KmsPlace {
  const [, region, owner] =
    /^kms:([a-z]{2,}(?:-[a-z]+)+-\d{1,2})\/([A-Za-z0-9_.-]{1,64})$/.exec(where) ?? []
  if (region !== undefined && owner !== undefined) return { region, owner }
  throw new KeystoreError(
    where.startsWith('kms:arn:')
      ? '`kms:`: name region and owner alone: the key is made and named by the handler'
      : '`kms:`: it holds no region and owner',
    { hint: 'kms:eu-west-1/payouts' },
  )
}

/** `kms:arn:…:key/<id>`; an alias is none: it could be given to another key. @throws KeystoreError */
export function parseKmsKey(name: string): KmsKey {
  const [, arn, region] =
    /^kms:(arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:key\/[A-Za-z0-9-]+)$/.exec(name) ?? []
  if (arn !== undefined && region !== undefined) return { arn, region }
  throw new KeystoreError('`kms:`: the ARN of a key is missing')
}
