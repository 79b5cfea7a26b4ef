/** The style sheet of the page: two sets of colours, one column on small screens, nothing that is loaded. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f3f4f6; --panel: #ffffff; --raised: #f8f9fb; --line: #d8dde4; --faint: #eceff3;
  --text: #1b1f24; --muted: #59636e; --link: #0b57a4; --focus: #0b57a4;
  --approve: #0d7680; --reject: #b83227; --retry: #c28113; --ignore: #7d8793;
  --good-ground: #e3f3ec; --good: #14593f; --bad-ground: #fbe6e3; --bad: #8d1f16;
  --warn-ground: #fcf1d9; --warn: #724a00;
  --mono: ui-monospace, 'SFMono-Regular', 'DejaVu Sans Mono', Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1216; --panel: #171b21; --raised: #1d222a; --line: #303842; --faint: #222831;
    --text: #e4e8ed; --muted: #9aa5b1; --link: #7ab5f5; --focus: #7ab5f5;
    --approve: #3fb3c0; --reject: #ee6f61; --retry: #e0a63f; --ignore: #8792a0;
    --good-ground: #143326; --good: #85dcb8; --bad-ground: #421a17; --bad: #ffada4;
    --warn-ground: #3a2b0c; --warn: #f2cb7c;
  }
}
* { box-sizing: border-box; }
html { font: 15px/1.45 system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; background: var(--ground); color: var(--text); }
body { margin: 0; }
a { color: var(--link); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: .5rem; top: .5rem; background: var(--panel); padding: .4rem .8rem; z-index: 1; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
header { background: var(--panel); border-bottom: 1px solid var(--line); }
header > div, main { max-width: 82rem; margin: 0 auto; padding: .7rem 1.25rem; }
header > div { display: flex; flex-wrap: wrap; gap: .4rem 1.25rem; align-items: center; }
header .name { font-weight: 650; letter-spacing: .01em; text-decoration: none; color: inherit; }
header nav { display: flex; gap: 1rem; }
header nav a[aria-current] { color: inherit; text-decoration: none; font-weight: 600; }
header form, header .who { margin-left: auto; display: flex; gap: .75rem; align-items: center; color: var(--muted); font-size: .87rem; }
main { padding-top: 1.1rem; padding-bottom: 3rem; }
h1 { font-size: 1.3rem; font-weight: 600; margin: 0 0 .9rem; line-height: 1.3; }
h2 { font-size: .95rem; font-weight: 600; margin: 0 0 .7rem; }
h3 { font-size: .84rem; font-weight: 600; margin: 1rem 0 .35rem; color: var(--muted); }
p { margin: 0 0 .7rem; }
.muted, .hint { color: var(--muted); }
.hint { font-size: .87rem; }
.panels { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: .9rem; }
.panel { grid-column: span 12; background: var(--panel); border: 1px solid var(--line); border-radius: 7px; padding: .95rem 1.1rem; min-width: 0; }
.panel > :last-child { margin-bottom: 0; }
@media (min-width: 62rem) {
  .half { grid-column: span 6; } .wide { grid-column: span 8; } .narrow { grid-column: span 4; }
}
.pill { display: inline-block; padding: .1rem .6rem; border-radius: 1rem; font-size: .82rem; font-weight: 600; white-space: nowrap; background: var(--faint); color: var(--muted); }
.pill.good { background: var(--good-ground); color: var(--good); }
.pill.bad { background: var(--bad-ground); color: var(--bad); }
.pill.warn { background: var(--warn-ground); color: var(--warn); }
.note { border-left: 4px solid var(--retry); background: var(--warn-ground); color: var(--warn); padding: .5rem .8rem; margin: 0 0 .6rem; border-radius: 0 5px 5px 0; overflow-wrap: anywhere; }
.note.bad { border-color: var(--reject); background: var(--bad-ground); color: var(--bad); }
.note.good { border-color: var(--approve); background: var(--good-ground); color: var(--good); }
.counts { display: flex; flex-wrap: wrap; gap: .6rem 2.2rem; margin: 0; padding: 0; }
.counts div { min-width: 4.5rem; }
.counts dt { color: var(--muted); font-size: .8rem; }
.counts dd { margin: 0; font-size: 1.45rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.counts dd small { font-size: .8rem; color: var(--muted); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th, td { text-align: left; vertical-align: top; padding: .32rem .9rem .32rem 0; border-top: 1px solid var(--faint); }
td.short { white-space: nowrap; }
thead th { border-top: 0; color: var(--muted); font-weight: 500; font-size: .8rem; white-space: nowrap; }
tbody th { font-weight: 500; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td .foreign, th .foreign { overflow-wrap: break-word; }
code, .mono, .foreign { font-family: var(--mono); font-size: .86em; }
.digest { overflow-wrap: anywhere; }
.foreign { display: inline-block; max-width: 100%; unicode-bidi: isolate; overflow: clip; overflow-wrap: anywhere; }
.rows { display: grid; grid-template-columns: minmax(7.5rem, 30%) minmax(0, 1fr); margin: 0; font-size: .9rem; }
.rows dt { color: var(--muted); padding: .28rem .9rem .28rem 0; overflow-wrap: anywhere; border-top: 1px solid var(--faint); }
.rows dd { margin: 0; padding: .28rem 0 .28rem .75rem; border-top: 1px solid var(--faint); min-width: 0; }
.rows dd:has(> .foreign) { border-left: 3px solid var(--line); }
@media (max-width: 40rem) { .scroll table { min-width: 34rem; } .rows { grid-template-columns: minmax(0, 1fr); } .rows dd { border-top: 0; } }
.action { font-weight: 600; font-size: .82rem; }
.action.approve { color: var(--approve); } .action.reject { color: var(--reject); }
.action.retry { color: var(--warn); } .action.ignore { color: var(--muted); }
.plot { display: block; width: 100%; height: auto; min-width: 24rem; }
.plot .grid { stroke: var(--faint); } .plot .axis { fill: var(--muted); font-size: 11px; }
.plot .now { stroke: var(--muted); stroke-dasharray: 2 3; }
.bar.approve { fill: var(--approve); } .bar.reject { fill: var(--reject); } .bar.retry { fill: var(--retry); } .bar.ignore { fill: var(--ignore); }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.line.p50 { stroke: var(--approve); } .line.p99 { stroke: var(--retry); }
.dot.p50 { fill: var(--approve); } .dot.p99 { fill: var(--retry); }
.period { fill: var(--ignore); } .period.live { fill: var(--approve); } .period.draining { fill: var(--retry); }
.period.staged { fill: var(--link); } .period.retired { fill: var(--line); } .mark { stroke: var(--text); }
.usage { display: block; width: 100%; height: 8px; } .usage + .usage { margin-top: 3px; } .usage .track { fill: var(--faint); }
.usage .low { fill: var(--approve); } .usage .high { fill: var(--retry); } .usage .full { fill: var(--reject); }
.limit { padding: .4rem 0; border-top: 1px solid var(--faint); font-size: .88rem; }
.limit p { display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: space-between; margin: 0 0 .25rem; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .5rem 0 0; padding: 0; list-style: none; color: var(--muted); font-size: .82rem; }
.key i { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; margin-right: .35rem; vertical-align: -1px; background: var(--ignore); }
.key .approve { background: var(--approve); } .key .reject { background: var(--reject); } .key .retry { background: var(--retry); }
.key .p50, .key .live { background: var(--approve); } .key .p99, .key .draining { background: var(--retry); }
.key .staged { background: var(--link); } .key .retired { background: var(--line); }
.spans { float: right; display: flex; gap: .8rem; font-size: .84rem; }
.spans [aria-current] { font-weight: 600; color: inherit; text-decoration: none; }
details { margin-top: .6rem; font-size: .88rem; }
summary { cursor: pointer; color: var(--link); width: fit-content; }
button, input { font: inherit; color: inherit; }
button { padding: .42rem 1rem; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); cursor: pointer; font-weight: 550; }
button:hover { border-color: var(--muted); }
button:disabled { opacity: .5; cursor: default; }
button.approve { background: var(--good-ground); color: var(--good); border-color: var(--approve); }
button.reject { background: var(--bad-ground); color: var(--bad); border-color: var(--reject); }
button.plain { background: none; border: 0; padding: 0; color: var(--link); font-weight: 400; text-decoration: underline; text-underline-offset: 2px; }
input { padding: .4rem .6rem; border: 1px solid var(--line); border-radius: 6px; background: var(--panel); width: 100%; max-width: 30rem; }
label { display: block; font-size: .88rem; margin-bottom: .25rem; }
.acts { display: flex; flex-wrap: wrap; gap: .7rem; margin: .9rem 0 0; }
.compare { font-family: var(--mono); font-size: 1.3rem; letter-spacing: .04em; }
pre { margin: 0; padding: .8rem; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; font: .86rem/1.5 var(--mono); user-select: all; }
@media (forced-colors: active) { .pill, .note, .panel { border: 1px solid; } .bar, .period, .part { forced-color-adjust: none; } }
@media print { header nav, .acts, .spans { display: none; } }
`
