/**
 * The script of the page: brings what is shown up to date, and asks for passkeys. It knows nothing but what the server
 * hands it, decides nothing, and loads nothing; the passkey calls take and give JSON, as every current browser does.
 */

export const SCRIPT = String.raw`'use strict'
const byId = (id) => document.getElementById(id)
const made = window.trustedTypes?.createPolicy('countersign', { createHTML: (text) => text })
const parsed = (text) => new DOMParser().parseFromString(made ? made.createHTML(text) : text, 'text/html')

function fail(message) {
  const note = byId('failure')
  note.textContent = message
  note.hidden = message === ''
}

function speak(text) {
  const place = byId('spoken')
  if (place.dataset.spoken === text) return
  place.dataset.spoken = text
  place.textContent = text
}

/** Puts the new parts of the page where the old ones are; what is open stays open, and the focus where it is. */
function replaceParts(page) {
  for (const next of page.querySelectorAll('[data-live]')) {
    const old = byId(next.id)
    if (old === null) continue
    for (const details of old.querySelectorAll('details[open]')) next.querySelector('#' + details.id)?.setAttribute('open', '')
    if (old.isEqualNode(next)) continue
    const focused = old.contains(document.activeElement) ? document.activeElement : null
    const left = [...old.querySelectorAll('.scroll')].map((each) => each.scrollLeft)
    old.replaceWith(next)
    for (const [at, each] of [...next.querySelectorAll('.scroll')].entries()) each.scrollLeft = left[at] ?? 0
    if (focused === null) continue
    const again = focused.id ? byId(focused.id) : next.querySelector(focused.localName)
    again?.focus({ preventScroll: true })
  }
}

async function refresh() {
  if (document.hidden) return
  try {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, redirect: 'error' })
    const page = parsed(await answer.text())
    if (page.body.dataset.viewer !== document.body.dataset.viewer) return location.reload()
    replaceParts(page)
    speak(page.getElementById('spoken').dataset.spoken)
    byId('stale').hidden = true
  } catch {
    byId('stale').hidden = false
  }
}

async function post(path, value) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
    redirect: 'error',
  })
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.error)
  return body
}

/** Asks the person's passkey for an assertion. */
async function assertion(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  return (await navigator.credentials.get({ publicKey })).toJSON()
}

/** Runs what a button or a form does, once at a time, and says what went wrong. */
function act(element, event, work) {
  element?.addEventListener(event, async (happened) => {
    happened.preventDefault()
    const buttons = [...document.querySelectorAll('button')]
    for (const button of buttons) button.disabled = true
    fail('')
    try {
      await work(happened)
    } catch (error) {
      fail(error.name === 'NotAllowedError' ? 'The passkey was not used.' : error.message)
    } finally {
      for (const button of buttons) button.disabled = false
    }
  })
}

act(byId('sign-in'), 'submit', async () => {
  const { options } = await post('/sign-in/challenge', {})
  await post('/sign-in', { assertion: await assertion(options) })
  location.reload()
})

act(byId('enrol'), 'submit', async () => {
  const name = byId('person').value
  const { options } = await post('/enrol/options', { name })
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  const credential = (await navigator.credentials.create({ publicKey })).toJSON()
  const { entry, fingerprint } = await post('/enrol', { name, credential })
  byId('entry').textContent = entry
  byId('fingerprint').textContent = fingerprint
  byId('enrolled').hidden = false
  byId('entry').focus()
})

act(byId('decide'), 'submit', async (event) => {
  const { hold, digest } = byId('decide').dataset
  const verdict = event.submitter.value
  const { options } = await post('/holds/' + hold + '/challenge', { verdict, digest })
  const note = byId('note').value
  await post('/holds/' + hold + '/decision', { verdict, digest, note, assertion: await assertion(options) })
  location.reload()
})

if (document.body.dataset.refresh === 'yes') setInterval(refresh, 5000)
`
