/** What the errors of AWS KMS and of its client mean, by name: their messages hold ARNs, names of roles and more. */
import { isObject } from '../../../common/json.ts'
import { KeystoreError } from './keystore.ts'

/** Said as well when the client is given up on from outside. */
export const LATE = 'AWS KMS did not answer in time'

const MEANINGS: Readonly<Record<string, string>> = {
  AbortError: LATE,
  TimeoutError: LATE,
  AccessDeniedException: 'AWS KMS denies access to the key, or to the action',
  NotFoundException: 'the key is not in AWS KMS',
  DisabledException: 'the key is disabled in AWS KMS',
  KMSInvalidStateException:
    'the key cannot be used in AWS KMS: its deletion is scheduled, or it is being changed',
  KeyUnavailableException: 'AWS KMS cannot use the key at the moment',
  InvalidKeyUsageException: 'the key in AWS KMS is of another kind',
  LimitExceededException: 'AWS KMS makes no more keys for this account',
  ThrottlingException: 'too many requests for AWS KMS',
  CredentialsProviderError: 'there are no AWS credentials',
  TokenProviderError: 'there are no AWS credentials',
  ExpiredTokenException: 'the AWS credentials have expired',
  IncompleteSignatureException: 'AWS refuses the credentials',
  InvalidClientTokenId: 'AWS refuses the credentials',
  InvalidSignatureException: 'AWS refuses the credentials',
  MissingAuthenticationTokenException: 'AWS refuses the credentials',
  SignatureDoesNotMatch: 'AWS refuses the credentials',
  UnrecognizedClientException: 'AWS refuses the credentials',
}

/** Runs `work`; an error of the client becomes a sentence, without what the client says. */
export async function inWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof KeystoreError ? error : new KeystoreError(meaningOf(error))
  }
}

function meaningOf(error: unknown): string {
  const name = nameOf(error)
  if (Object.hasOwn(MEANINGS, name)) return MEANINGS[name] ?? ''
  const metadata = isObject(error) ? error['$metadata'] : undefined
  const status = isObject(metadata) ? metadata['httpStatusCode'] : undefined
  return typeof status === 'number' ? `AWS KMS answered ${status}` : 'AWS KMS cannot be reached'
}

/** By which KMS says what is wrong. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}
