// The tree of a trace: all rows from one skeleton, of which only those in sight are
// elements. Without this script the server's rows and links do.
const grid = document.querySelector('[data-tree]');
const height = 28, spare = 4;
const kinds = ['', 'session', 'trace', 'span', 'generation', 'retrieval', 'tool call', 'error'];
const wireKinds = ['', 'session', 'trace', 'span', 'generation', 'retrieval', 'tool_call', 'error'];
const statuses = ['ended', 'open', 'error', 'partial'], glyphs = ['✓', '◌', '✗', '?'];
const svg = 'http://www.w3.org/2000/svg';

if (grid) start().catch(() => { /* the server's rows stay */ });

async function start() {
  const answer = await fetch(grid.dataset.tree);
  if (!answer.ok) return;
  const s = await answer.json();
  const n = s.kind.length;
  const folded = Uint8Array.from(s.group, size => size > 0 ? 1 : 0);
  let shown = [], hits = new Set(), needle = '';
  let at = Math.min(n - 1, Number(grid.dataset.at));
  let [left, right] = grid.dataset.zoom.split('-').map(Number);

  const end = i => { let j = i + 1; while (j < n && s.depth[j] > s.depth[i]) j++; return j; };
  const parents = new Int32Array(n), last = [];
  for (let i = 0; i < n; i++) { parents[i] = s.depth[i] ? last[s.depth[i] - 1] : -1; last[s.depth[i]] = i; }
  const parent = i => parents[i];
  const hasChildren = i => i + 1 < n && s.depth[i + 1] > s.depth[i];
  const failures = new Int32Array(n), place = new Int32Array(n), size = new Int32Array(n);
  for (let i = n - 1; i >= 0; i--) {
    if (s.status[i] === 2) failures[i]++;
    const p = parent(i);
    if (p >= 0) { failures[p] += failures[i]; size[p]++; }
  }
  { const seen = new Int32Array(n); for (let i = 0; i < n; i++) { const p = parent(i); place[i] = p < 0 ? 1 : ++seen[p]; } }

  const spacer = document.createElement('div');
  spacer.setAttribute('role', 'presentation');
  const drawn = new Map();

  function list() {
    shown = [];
    for (let i = 0; i < n; i = folded[i] ? end(i) : i + 1) shown.push(i);
    spacer.style.height = shown.length * height + 'px';
    grid.setAttribute('aria-rowcount', shown.length);
    for (const row of drawn.values()) row.remove();
    drawn.clear();
    draw();
  }

  function draw() {
    const first = Math.max(0, Math.floor(grid.scrollTop / height) - spare);
    const last = Math.min(shown.length, Math.ceil((grid.scrollTop + grid.clientHeight) / height) + spare);
    for (const [k, row] of drawn) if (k < first || k >= last) {
      if (row === document.activeElement || row.contains(document.activeElement)) continue;
      row.remove(); drawn.delete(k);
    }
    for (let k = first; k < last; k++) if (!drawn.has(k)) {
      const row = make(shown[k], k);
      drawn.set(k, row);
      grid.append(row);
    }
  }

  function cell(row, className, text) {
    const c = document.createElement('div');
    c.setAttribute('role', 'gridcell');
    c.className = className;
    if (text) c.textContent = text;
    row.append(c);
    return c;
  }
  function span(to, className, text) {
    const e = document.createElement('span');
    e.className = className;
    e.textContent = text;
    to.append(e, ' ');
  }

  function make(i, k) {
    const row = document.createElement('div');
    row.setAttribute('role', 'row');
    row.className = 'row' + (i === at ? ' selected' : '');
    row.tabIndex = i === at ? 0 : -1;
    row.dataset.i = i;
    row.id = 'row' + i;
    row.style.top = k * height + 'px';
    const p = parent(i);
    const attributes = {level: s.depth[i] + 1, posinset: place[i], setsize: p < 0 ? 1 : size[p], rowindex: k + 1, selected: i === at};
    for (const name in attributes) row.setAttribute('aria-' + name, attributes[name]);
    if (hasChildren(i)) row.setAttribute('aria-expanded', !folded[i]);
    const what = cell(row, 'what d' + Math.min(12, s.depth[i]));
    if (hasChildren(i)) {
      const b = document.createElement('button');
      b.type = 'button'; b.tabIndex = -1; b.textContent = folded[i] ? '▸' : '▾';
      b.setAttribute('aria-label', folded[i] ? 'Expand' : 'Collapse');
      what.append(b, ' ');
    }
    span(what, 'kind', kinds[s.kind[i]]);
    span(what, 'status ' + statuses[s.status[i]], glyphs[s.status[i]]);
    span(what, 'hidden', statuses[s.status[i]]);
    const name = s.names[s.name[i]];
    if (hits.has(i)) { const m = document.createElement('mark'); m.textContent = name; what.append(m, ' '); } else span(what, 'title', name);
    const below = failures[i] - (s.status[i] === 2);
    if (below > 0) span(what, 'bad', '⚠ ' + below);
    if (s.detail[i] >= 0 && s.names[s.detail[i]]) span(what, 'dim', s.names[s.detail[i]]);
    cell(row, 'num', s.tokens[i] ? s.tokens[i].toLocaleString('en') : '');
    cell(row, 'num', s.cost[i]);
    cell(row, 'num', (s.group[i] ? 'Σ ' : '') + (s.took[i] < 0 ? (s.status[i] === 1 ? 'open' : '') : time(s.took[i])));
    const line = cell(row, 'line');
    if (s.x[i] >= 0) {
      const box = document.createElementNS(svg, 'svg'), rect = document.createElementNS(svg, 'rect');
      box.setAttribute('viewBox', `${left} 0 ${right - left} 10`); box.setAttribute('preserveAspectRatio', 'none'); box.setAttribute('aria-hidden', 'true');
      for (const [key, value] of [['x', s.x[i]], ['y', 1], ['width', s.width[i]], ['height', 8], ['class', s.status[i] === 2 ? 'fail' : 'bar']]) rect.setAttribute(key, value);
      box.append(rect); line.append(box);
    }
    return row;
  }

  const time = us => us < 1000 ? us + ' µs' : us < 1e6 ? (us / 1000).toFixed(us < 10000 ? 1 : 0) + ' ms' : us < 6e7 ? (us / 1e6).toFixed(2) + ' s' : Math.floor(us / 6e7) + 'm' + String(Math.floor(us / 1e6) % 60).padStart(2, '0') + 's';

  // go selects a row, brings it into sight and moves the focus to it.
  function go(i, focus) {
    for (let p = parent(i); p >= 0; p = parent(p)) folded[p] = 0;
    if (!shown.includes(i)) list();
    const before = at, k = shown.indexOf(i);
    at = i;
    for (const j of [before, i]) { const key = shown.indexOf(j), row = drawn.get(key); if (row) { row.remove(); drawn.delete(key); } }
    if (k * height < grid.scrollTop) grid.scrollTop = k * height;
    if ((k + 1) * height > grid.scrollTop + grid.clientHeight) grid.scrollTop = (k + 1) * height - grid.clientHeight;
    draw();
    if (focus !== false && drawn.get(k)) drawn.get(k).focus({preventScroll: true});
    show(i);
  }

  let pending = 0, asking = null;
  function show(i) {
    clearTimeout(pending);
    if (s.group[i]) return;
    pending = setTimeout(() => {
      if (asking) asking.abort();
      asking = new AbortController();
      const ref = wireKinds[s.kind[i]] + ':' + s.id[i];
      const page = new URL(grid.dataset.page, location.href), part = new URL(grid.dataset.node, location.href);
      page.searchParams.set('node', ref); part.searchParams.set('node', ref);
      history.replaceState(null, '', page);
      const box = document.querySelector('[data-detail]');
      window.troupe.swap(box, part, {signal: asking.signal}).catch(e => { if (e.name !== 'AbortError') box.textContent = 'This node could not be loaded: ' + e.message; });
    }, 60);
  }

  function toggle(i, to) {
    if (!hasChildren(i)) return false;
    const next = to === undefined ? !folded[i] : to;
    if (!!folded[i] === next) return false;
    folded[i] = next ? 1 : 0;
    list();
    const row = drawn.get(shown.indexOf(i));
    if (row) row.focus({preventScroll: true});
    return true;
  }

  const step = by => { const k = shown.indexOf(at) + by; if (k >= 0 && k < shown.length) go(shown[k]); };
  const seek = (test, by) => { for (let c = 1; c <= n; c++) { const i = ((at + by * c) % n + n) % n; if (test(i)) { go(i); return; } } };
  const sibling = by => { for (let i = at + by; i >= 0 && i < n && s.depth[i] >= s.depth[at]; i += by) if (s.depth[i] === s.depth[at]) { go(i); return; } };

  const always = {
    ArrowDown: () => step(1), ArrowUp: () => step(-1), Home: () => go(shown[0]), End: () => go(shown[shown.length - 1]),
    PageDown: () => go(shown[Math.min(shown.length - 1, shown.indexOf(at) + 20)]), PageUp: () => go(shown[Math.max(0, shown.indexOf(at) - 20)]),
    ArrowRight: () => { if (!toggle(at, false) && hasChildren(at)) go(at + 1); }, ArrowLeft: () => { if (!toggle(at, true) && parent(at) >= 0) go(parent(at)); },
    Enter: () => document.querySelector('[data-detail]').focus(),
  };
  const single = {
    j: () => step(1), k: () => step(-1), '[': () => sibling(-1), ']': () => sibling(1), e: () => seek(i => s.status[i] === 2, 1), E: () => seek(i => s.status[i] === 2, -1),
    u: () => seek(i => s.status[i] === 1, 1), '*': () => { folded.fill(0); list(); go(at); }, z: () => { for (let i = 0; i < n; i++) folded[i] = s.depth[i] >= 1 && hasChildren(i) ? 1 : 0; list(); while (s.depth[at] > 1) at = parent(at); go(at); },
  };
  grid.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input')) return;
    const act = always[event.key] || (document.documentElement.hasAttribute('data-keys') && single[event.key]);
    if (act) { act(); event.preventDefault(); }
  });
  document.addEventListener('keydown', event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !document.documentElement.hasAttribute('data-keys')) return;
    if (!event.target.closest('input, textarea, select, [role=treegrid]') && single[event.key]) { single[event.key](); event.preventDefault(); }
  });
  grid.addEventListener('click', event => {
    const row = event.target.closest('.row');
    if (!row) return;
    event.preventDefault();
    if (event.target.closest('button')) toggle(Number(row.dataset.i)); else go(Number(row.dataset.i));
  });
  grid.addEventListener('scroll', () => requestAnimationFrame(draw), {passive: true});
  new ResizeObserver(draw).observe(grid);

  // The part of the time line that is shown, in the address too.
  const wide = 10000;
  const zooms = {in: [.25, .75], out: [-.5, 1.5], earlier: [-.25, .75], later: [.25, 1.25]};
  document.querySelector('[data-treebar]').addEventListener('click', event => {
    const button = event.target.closest('[data-zoom]');
    if (!button) return;
    const span = right - left, [a, b] = zooms[button.dataset.zoom] || [-1e4, 1e4];
    let from = left + a * span, to = left + b * span;
    if (a < 0 && b < 1 || b > 1 && a > 0) { const by = Math.max(-left, Math.min(wide - right, a * span)); from = left + by; to = right + by; }
    from = Math.max(0, Math.round(from)); to = Math.min(wide, Math.round(to));
    if (to - from < 10) return;
    [left, right] = [from, to];
    const page = new URL(location.href);
    if (to - from === wide) page.searchParams.delete('zoom'); else page.searchParams.set('zoom', from + '-' + to);
    history.replaceState(null, '', page);
    grid.dataset.page = page;
    list();
  });

  const find = document.querySelector('[data-find]'), found = document.querySelector('[data-found]');
  document.querySelector('[data-treebar]').hidden = false;
  find.addEventListener('input', () => {
    needle = find.value.toLowerCase();
    hits = new Set();
    if (needle) for (let i = 0; i < n; i++) if ((s.names[s.name[i]] + ' ' + kinds[s.kind[i]] + ' ' + s.names[s.detail[i]]).toLowerCase().includes(needle)) hits.add(i);
    found.textContent = needle ? hits.size + ' of ' + n : '';
    list();
  });
  find.addEventListener('keydown', event => {
    if (event.key === 'Escape') { find.value = ''; find.dispatchEvent(new Event('input')); grid.focus(); }
    if (event.key !== 'Enter' || hits.size === 0) return;
    const all = [...hits], k = all.findIndex(i => i > at), before = all.filter(i => i < at);
    go(event.shiftKey ? (before.length ? before[before.length - 1] : all[all.length - 1]) : (k < 0 ? all[0] : all[k]), false);
    event.preventDefault();
  });

  grid.textContent = '';
  grid.classList.add('window');
  grid.append(spacer);
  const pages = grid.parentElement.querySelector('.pages');
  if (pages) pages.remove();
  for (let p = parent(at); p >= 0; p = parent(p)) folded[p] = 0;
  list();
  grid.dataset.ready = 'true';
  performance.mark('tree');
}
