/**
 * A handler in the style of the vendor's published sample: Express, jsonwebtoken, keys as PEM text that the library
 * parses for every request, the body collected as a string. It has no policy and keeps no record.
 */
import express from 'express'
import jwt from 'jsonwebtoken'
import { serve } from './listen.ts'

serve(({ privateKeyPem, cosignerPem }) => {
  const app = express()
  app.post('/v2/tx_sign_request', (request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      try {
        const claims = jwt.verify(body, cosignerPem)
        const requestId = typeof claims === 'string' ? undefined : (claims['requestId'] as unknown)
        response.send(
          jwt.sign({ action: 'APPROVE', requestId }, privateKeyPem, { algorithm: 'RS256' }),
        )
      } catch {
        response.sendStatus(401)
      }
    })
  })
  return app
})
