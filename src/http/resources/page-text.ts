/** Style of the page. The script sets `--share`: the width of a bar. */
export const STYLE = `
:root{color-scheme:light dark;--back:light-dark(#f5f6f9,#0f1217);--card:light-dark(#fff,#171b22);--text:light-dark(#1a1f27,#e8ebf0);--dim:light-dark(#586172,#98a2b3);--line:light-dark(#e1e5eb,#272d38);--accent:light-dark(#4338ca,#a5b4fc);--bar:light-dark(#e6e7fb,#2a2d55);--good:light-dark(#137a3e,#4ade80);--bad:light-dark(#b42318,#ff8a80)}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1.5rem 1.25rem 2.5rem;background:var(--back);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums}
header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;margin-bottom:1.25rem}
header svg{width:1.75rem;height:1.75rem;fill:var(--accent);flex:none}
h1{font-size:1.375rem;letter-spacing:-.02em;margin:0 0 0 -.35rem}
h2{font-size:1rem;margin:0}
p,dl,dd{margin:0}
a{color:var(--accent);text-underline-offset:.2em}
button{font:inherit;font-size:.875rem;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.3rem .9rem;cursor:pointer}
button:hover{border-color:var(--dim)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.dim,dt,th,small{color:var(--dim);font-size:.875rem;font-weight:400}
.health{display:inline-flex;align-items:center;gap:.45rem;padding:.15rem .75rem;border-radius:1rem;background:var(--card);border:1px solid var(--line);font-size:.875rem;color:var(--good)}
.health::before{content:"";width:.55rem;height:.55rem;border-radius:50%;background:currentColor}
.bad{color:var(--bad);font-weight:600}
#pause{margin-left:auto}
.tiles{display:grid;grid-template-columns:2.4fr repeat(4,1fr);gap:.875rem;margin-bottom:.875rem}
.tiles>div,section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:.9rem 1.1rem;min-width:0}
.tiles dd:first-of-type{font-size:1.75rem;line-height:1.3;letter-spacing:-.02em;font-weight:600;white-space:nowrap}
.tiles small{display:block;min-height:1.5em}
.chart{display:grid;grid-template-rows:auto auto 1fr;grid-template-columns:minmax(8rem,auto) minmax(0,1fr);column-gap:1rem}
.chart dd:last-child{grid-area:1/2/span 3/3;min-height:4.75rem;position:relative}
.chart svg{position:absolute;inset:0;width:100%;height:100%}
.chart polyline{fill:none;stroke:var(--accent);stroke-width:1.75;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.chart polygon{fill:var(--bar)}
.meter{height:.4rem;border-radius:.2rem;background:var(--bar);margin-top:.3rem;overflow:hidden}
.meter::before{content:"";display:block;height:100%;width:var(--share,0);background:var(--accent)}
main{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,1fr);gap:.875rem;align-items:start}
.tiles{grid-column:1/-1;margin:0}
main>div{display:grid;gap:.875rem}
table{width:100%;border-collapse:collapse;table-layout:fixed;margin-top:.35rem}
th{text-align:left}
th,td{padding:.32rem .4rem;border-bottom:1px solid var(--line);overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
tbody tr:last-child td{border-bottom:0}
.rank{width:2.5rem;color:var(--dim)}
.number{text-align:right;width:8.5rem}
.rate{width:6.5rem;color:var(--dim)}
td.song{border-radius:.3rem;background:linear-gradient(var(--bar),var(--bar)) no-repeat 0/var(--share,0) calc(100% - 6px)}
.label{width:45%}
.empty{padding:.6rem .4rem;color:var(--dim)}
code{font:.875em ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;margin-top:.35rem}
[hidden]{display:none}
@media(max-width:64rem){.tiles{grid-template-columns:repeat(4,1fr)}.chart{grid-column:1/-1}}
@media(max-width:46rem){body{padding:1rem .75rem 2rem}main{grid-template-columns:minmax(0,1fr)}.tiles{grid-template-columns:1fr 1fr}header .dim{order:1;width:100%}section{padding:.75rem}.number{width:5.75rem}.rate{width:5rem}.tiles dd:first-of-type{font-size:1.5rem}}
`;

const MARK = `<rect x="3" y="13" width="4" height="8" rx="1"/><rect x="10" y="7" width="4" height="14" rx="1"/><rect x="17" y="3" width="4" height="18" rx="1"/>`;
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="#6366f1">${MARK}</svg>`;
const DOCUMENTS = "https://github.com/playcount/playcount/tree/main/docs";

function tile(name: string, id: string, rest: string): string {
  return `<div><dt>${name}</dt><dd id="${id}">–</dd>${rest}</div>`;
}

/** Returns the page. It has no figures: `script` fills them in. */
export function pageText(script: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>playcount</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}">
<style>${STYLE}</style>
</head>
<body>
<header>
<svg viewBox="0 0 24 24" aria-hidden="true">${MARK}</svg>
<h1>playcount</h1>
<span class="health" id="health" role="status"><span id="state">connecting</span></span>
<span class="dim">version <span id="version">–</span>, up <span id="uptime">–</span></span>
<button id="pause" type="button">Pause</button>
</header>
<noscript><p>This page needs JavaScript. Its figures without: <a href="?top=25">the most played songs</a>, <a href="metrics">metrics</a>.</p></noscript>
<main>
<dl class="tiles">
<div class="chart"><dt>Plays a second</dt><dd id="rate">–</dd><dd><small id="peak"></small></dd><dd aria-hidden="true"><svg viewBox="0 0 100 40" preserveAspectRatio="none"><polygon id="area"/><polyline id="line"/></svg></dd></div>
${tile("Plays", "plays", "<dd><small>since the start</small></dd>")}
${tile("Songs", "distinct", "<dd><small>with a count</small></dd>")}
${tile("Memory", "memory", `<dd><small id="limit"></small><div class="meter" id="meter"></div></dd>`)}
${tile("Workers", "workers", `<dd><small id="deaths"></small></dd>`)}
</dl>
<section aria-labelledby="songs-title">
<h2 id="songs-title">Most played</h2>
<table><thead><tr><th scope="col" class="rank">#</th><th scope="col">Song</th><th scope="col" class="number">Plays</th><th scope="col" class="number rate">A second</th></tr></thead><tbody id="songs"></tbody></table>
<p class="empty" id="no-songs" hidden>Nothing is counted yet. Add the first play: <code id="example"></code></p>
</section>
<div>
<section aria-labelledby="folds-title">
<h2 id="folds-title">Folds to hand over</h2>
<table><thead><tr><th scope="col">Fold</th><th scope="col" class="label">Label</th><th scope="col" class="number">Age</th></tr></thead><tbody id="folds"></tbody></table>
<p class="empty" id="no-folds" hidden>None waits.</p>
</section>
<section aria-labelledby="more-title">
<h2 id="more-title">For programs</h2>
<nav aria-labelledby="more-title"><a href="metrics">metrics</a><a href="health">health</a><a href="folds">folds</a><a href="?top=25">top 25</a><a href="openapi.json">openapi.json</a><a href="${DOCUMENTS}" rel="noreferrer">documentation</a></nav>
</section>
</div>
</main>
<script type="module">${script}</script>
</body>
</html>
`;
}
