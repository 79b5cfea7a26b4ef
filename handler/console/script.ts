/**
 * The script of the page: brings what is shown up to date. It knows nothing but what the server hands it, decides
 * nothing, and loads nothing.
 */

export const SCRIPT = String.raw`'use strict'
const byId = (id) => document.getElementById(id)
const made = window.trustedTypes?.createPolicy('countersign', { createHTML: (text) => text })
const parsed = (text) => new DOMParser().parseFromString(made ? made.createHTML(text) : text, 'text/html')

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
    replaceParts(page)
    speak(page.getElementById('spoken').dataset.spoken)
    byId('stale').hidden = true
  } catch {
    byId('stale').hidden = false
  }
}

if (document.body.dataset.refresh === 'yes') setInterval(refresh, 5000)
`
