/** Values as the page writes them. Pure. */
import { formatDuration } from '../../common/duration.ts'
import { plainText } from '../display/plain.ts'
import { html, type Html } from './html.ts'

/** Foreign text: plain or quoted, isolated from what stands around it, and never outside of its box. */
export function foreign(text: string): Html {
  return html`<bdi class="foreign">${plainText(text)}</bdi>`
}

/** A moment, to the second, in UTC. */
export function moment(iso: string): Html {
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`
}

/** A whole number with thousands apart. */
export function figure(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, '\u202f')
}

/** What is left, or `over`; never longer than it is. */
export function left(iso: string, nowMs: number): string {
  const seconds = Math.floor((Date.parse(iso) - nowMs) / 1_000)
  return seconds < 1 ? 'over' : formatDuration(seconds * 1_000)
}

/** A digest in groups of eight digits. */
export function grouped(digest: string): string {
  return digest.replaceAll(/(.{8})(?=.)/g, '$1 ')
}

/** The hour and minute of a moment, in UTC. */
export function clockTime(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16)
}
