/** The HTTPS server around the two reference handlers: same key, same certificate rules, same port handling. */
import type { RequestListener } from 'node:http'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'

/** The key files of a reference handler, as PEM text. */
export interface ReferenceKeys {
  readonly privateKeyPem: string
  readonly es256KeyPem: string
  readonly cosignerPem: string
}

/** Serves the application on loopback; argv is `<directory with the key files> <port>`. */
export function serve(application: (keys: ReferenceKeys) => RequestListener): void {
  const [directory = '.', port = '0'] = process.argv.slice(2)
  const read = (name: string) => readFileSync(join(directory, name), 'utf8')
  const privateKeyPem = read('private.pem')
  const listener = application({
    privateKeyPem,
    es256KeyPem: read('es256.pem'),
    cosignerPem: read('cosigner.pem'),
  })
  const server = createServer({ key: privateKeyPem, cert: read('cert.pem') }, listener)
  server.keepAliveTimeout = 75_000
  server.listen(Number(port), '127.0.0.1', () => process.stdout.write('{"msg":"ready"}\n'))
  process.once('SIGTERM', () => process.exit())
}
