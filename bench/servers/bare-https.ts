/**
 * The least that a handler can be: `node:https`, keys cached, one verification, one signature on the thread pool, no
 * framework, no policy and no record. argv is `<directory with the key files> <port> <RS256 | ES256>`.
 */
import { createPrivateKey, createPublicKey, verify } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fileSigner } from '../../handler/generations/signers/file.ts'
import { signToken } from '../../handler/protocol/token.ts'
import { serve } from './listen.ts'

serve(({ privateKeyPem, es256KeyPem, cosignerPem }) => {
  const isEs256 = process.argv[4] === 'ES256'
  const signer = fileSigner(createPrivateKey(isEs256 ? es256KeyPem : privateKeyPem))
  const cosigner = createPublicKey(cosignerPem)
  const answer = async (requestId: string, response: ServerResponse) => {
    const body = await signToken(signer, { action: 'APPROVE', requestId })
    const headers = { 'Content-Type': 'application/jwt', 'Content-Length': body.length }
    response.writeHead(200, headers).end(body)
  }
  return (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const [header = '', payload = '', signature = ''] = Buffer.concat(chunks)
        .toString('latin1')
        .split('.')
      const signed = Buffer.from(`${header}.${payload}`, 'latin1')
      if (!verify('sha256', signed, cosigner, Buffer.from(signature, 'base64url'))) {
        response.writeHead(401).end()
        return
      }
      const { requestId } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
        requestId: string
      }
      void answer(requestId, response)
    })
  }
})
