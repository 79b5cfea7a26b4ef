/** What a careful engineer writes first: Express, jose, keys imported once. It has no policy and keeps no record. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import express from 'express'
import { jwtVerify, SignJWT } from 'jose'
import { serve } from './listen.ts'

serve(({ privateKeyPem, cosignerPem }) => {
  const privateKey = createPrivateKey(privateKeyPem)
  const cosignerKey = createPublicKey(cosignerPem)
  const app = express()
  app.use(express.text({ type: () => true, limit: '8mb' }))
  app.post('/v2/tx_sign_request', async (request, response) => {
    try {
      const { payload } = await jwtVerify(String(request.body), cosignerKey, {
        algorithms: ['RS256'],
      })
      const answer = await new SignJWT({ action: 'APPROVE', requestId: payload['requestId'] })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
        .sign(privateKey)
      response.type('application/jwt').send(answer)
    } catch {
      response.sendStatus(401)
    }
  })
  return app
})
