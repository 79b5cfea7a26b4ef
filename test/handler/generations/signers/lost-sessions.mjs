// Signs in a token, closes every session under its feet, and signs again; prints what came of it. argv: URI, PIN.
// A process of its own, because a PKCS#11 module reads its settings from the real environment.
import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { createRequire } from 'node:module'
import { createToken } from '../../../../dist/handler/generations/signers/pkcs11-token.js'
import { parsePkcs11Uri } from '../../../../dist/handler/generations/signers/pkcs11-uri.js'

const [uri, pin] = process.argv.slice(2)
const { PKCS11 } = createRequire(import.meta.url)('pkcs11js')
const { modulePath, pinFile, token: label } = parsePkcs11Uri(uri)
const module = new PKCS11()
module.load(modulePath)
module.C_Initialize({ flags: 2 })
let logins = 0
const token = createToken(module, { modulePath, pinFile, token: label, sessions: 4 }, async () => {
  logins += 1
  return pin
})
const key = { id: randomBytes(16), object: 'x' }
const der = await token.answer({ do: 'create', key, algorithm: 'RS256' })
const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
const bytes = Buffer.from('to be signed')
const sign = () => token.answer({ do: 'sign', key, algorithm: 'RS256', bytes })
const signAll = async () => {
  const signatures = await Promise.all(Array.from({ length: 9 }, sign))
  return signatures.filter((each) => verify('sha256', bytes, publicKey, each)).length
}
const before = [await signAll(), logins]
for (const slot of module.C_GetSlotList(true)) module.C_CloseAllSessions(slot)
const after = [await signAll(), logins]
module.C_Finalize()
const gone = await sign().then(
  () => 'signed',
  () => 'refused',
)
process.stdout.write(JSON.stringify({ before, after, gone }))
