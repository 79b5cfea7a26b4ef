/**
 * HTML in which no value can become markup. Pure. What stands in a hole is escaped unless it was made here, and a hole
 * may stand only where escaping is enough: in text, or in an attribute in double quotes.
 */

/** Markup that was made by `html`; nothing else can make one. */
export class Html {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }

  /** Tag of template literals. @throws TypeError for a hole in a place where escaping is not enough */
  static readonly tag = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html => {
    if (!CHECKED.has(strings)) {
      checkHoles(strings)
      CHECKED.add(strings)
    }
    return new Html(
      strings.reduce((text, string, at) => `${text}${textOf(parts[at - 1])}${string}`),
    )
  }
}

/** What a hole may hold; `false` and `undefined` are nothing. */
export type Part = Html | string | number | false | undefined | readonly Part[]

/** Tag of template literals. */
export const html = Html.tag

const CHECKED = new WeakSet<TemplateStringsArray>()

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Html) return part.toString()
  if (typeof part === 'object') return part.map(textOf).join('')
  return String(part).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

/** The attribute whose value the text ends in, if it does: name, and what of the value is there. */
const IN_VALUE = /\s([a-z][a-z0-9:-]*)="([^"]*)$/i

/** Attributes that hold a script or a style. */
const CODE = /^(?:on|style$|srcdoc$)/i
const ADDRESS = /^(?:href|src|action|formaction|xlink:href)$/i

function checkHoles(strings: readonly string[]): void {
  let before = ''
  for (const [at, string] of strings.entries()) {
    if (at === strings.length - 1) return
    before += string
    const opened = before.lastIndexOf('<')
    if (opened > before.lastIndexOf('>')) checkAttribute(before.slice(opened))
    if (/<(?:script|style|!--)[^<]*$/i.test(before)) {
      throw new TypeError('a hole in a script, a style or a comment')
    }
    // What the hole holds ends neither the text nor the value that it stands in.
    before += '-'
  }
}

function checkAttribute(tag: string): void {
  const [, name = '', value = ''] = IN_VALUE.exec(tag) ?? []
  if (name === '') throw new TypeError('a hole in a tag, outside of double quotes')
  if (CODE.test(name)) throw new TypeError(`a hole in \`${name}\``)
  if (ADDRESS.test(name) && !/^[/#]/.test(value)) {
    throw new TypeError(`a hole in \`${name}\` that may become another site`)
  }
}
