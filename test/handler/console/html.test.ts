/** Values in HTML: whatever they hold, they stay values, and no template can forget it. */
import { describe, expect, it } from '@jest/globals'
import { html as tag } from '../../../handler/console/html.ts'
import { foreign } from '../../../handler/console/words.ts'

const HOSTILE = `</bdi></main><script>alert("1")</script><b class='x'>&lt;`

describe('a value in a template', () => {
  it('is text, wherever it came from', () => {
    const text = tag`<p title="${HOSTILE}">${[HOSTILE, 3, undefined, false]}</p>`.toString()
    expect(text).toBe(
      '<p title="&lt;/bdi&gt;&lt;/main&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;b class=&#39;x&#39;&gt;&amp;lt;">' +
        '&lt;/bdi&gt;&lt;/main&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;b class=&#39;x&#39;&gt;&amp;lt;3</p>',
    )
  })

  it('is markup only when a template made it', () => {
    const made = tag`<b>${'<'}</b>`
    expect(tag`<p>${made}</p>`.toString()).toBe('<p><b>&lt;</b></p>')
    const imitation = JSON.parse('{"toString":"<script>"}') as string
    expect(() => tag`<p>${imitation}</p>`.toString()).toThrow(TypeError)
  })
})

describe('a hole', () => {
  const value = 'x'
  it.each([
    ['without quotes', () => tag`<a class=${value}></a>`],
    ['in single quotes', () => tag`<a class='${value}'></a>`],
    ['in place of an attribute', () => tag`<a ${value}></a>`],
    ['in place of a tag', () => tag`<${value}></a>`],
    ['in a handler', () => tag`<a onclick="${value}"></a>`],
    ['in a style', () => tag`<a style="color: ${value}"></a>`],
    ['that may become another site', () => tag`<a href="${value}"></a>`],
    ['that may become another site, late', () => tag`<form action="javascript:${value}"></form>`],
    [
      'in a script',
      () =>
        tag`<script>
          ${value}
        </script>`,
    ],
    [
      'in a style sheet',
      () =>
        tag`<style>
          ${value}
        </style>`,
    ],
    ['in a comment', () => tag`<!-- ${value} -->`],
  ])('%s is refused', (_, make) => {
    expect(make).toThrow(TypeError)
  })

  it('is taken behind markup, in double quotes and behind a path of ours', () => {
    const text = tag`<script src="/a.js"></script><a href="/holds/${'a"b'}" title="a > ${'b'}">${'c'}</a>`
    expect(text.toString()).toBe(
      '<script src="/a.js"></script><a href="/holds/a&quot;b" title="a > b">c</a>',
    )
  })
})

describe('foreign text', () => {
  it.each([
    ['plain words, Ärger & 30 %', 'plain words, Ärger &amp; 30 %'],
    ['pay\u202eyap', '&quot;pay\\u202eyap&quot;'],
    ['two\nlines', '&quot;two\\nlines&quot;'],
    ['zero\u200bwidth', '&quot;zero\\u200bwidth&quot;'],
    ['non\u00a0breaking  spaces', '&quot;non\u00a0breaking  spaces&quot;'],
    ['"quoted"', '&quot;\\&quot;quoted\\&quot;&quot;'],
    ['', '&quot;&quot;'],
  ])('%j stands in a box of its own, as it is or quoted', (text, shown) => {
    expect(foreign(text).toString()).toBe(`<bdi class="foreign">${shown}</bdi>`)
  })
})
