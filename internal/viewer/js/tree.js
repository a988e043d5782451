// The tree of a trace: all rows from one skeleton, of which only those in sight are
// elements. Without this script the server's rows and links do.
const grid = document.querySelector('[data-tree]');
const height = 28, spare = 4;
const kinds = ['', 'session', 'trace', 'span', 'generation', 'retrieval', 'tool call', 'error'];
const wireKinds = ['', 'session', 'trace', 'span', 'generation', 'retrieval', 'tool_call', 'error'];
const statuses = ['ended', 'open', 'error', 'partial'], glyphs = ['✓', '◌', '✗', '?'];

if (grid) start().catch(() => {
  const note = document.createElement('p');
  note.setAttribute('role', 'status');
  note.textContent = 'The whole tree could not be loaded: these are its first rows. Reload the page to try again.';
  grid.after(note);
});

async function start() {
  const answer = await fetch(grid.dataset.tree);
  if (!answer.ok) throw new Error(answer.statusText);
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
  const drawn = new Map(), idle = []; // rows in sight by their place, and those that can be filled again

  function list() {
    shown = [];
    for (let i = 0; i < n; i = folded[i] ? end(i) : i + 1) shown.push(i);
    spacer.style.height = shown.length * height + 'px';
    grid.setAttribute('aria-rowcount', shown.length);
    idle.push(...drawn.values());
    drawn.clear();
    draw();
  }

  function draw() {
    const first = Math.max(0, Math.floor(grid.scrollTop / height) - spare);
    const last = Math.min(shown.length, Math.ceil((grid.scrollTop + grid.clientHeight) / height) + spare);
    for (const [k, row] of drawn) if (k < first || k >= last) {
      if (row.element.contains(document.activeElement)) continue;
      idle.push(row); drawn.delete(k);
    }
    for (let k = first; k < last; k++) if (!drawn.has(k)) {
      const row = idle.pop() || blank();
      fill(row, shown[k], k);
      drawn.set(k, row);
      if (!row.element.isConnected) grid.append(row.element);
    }
    for (const row of idle) row.element.remove();
  }

  // blank returns a row with all elements that a row can have, for fill.
  function blank() {
    const add = (to, tag, className, role) => {
      const e = document.createElement(tag);
      if (className) e.className = className;
      if (role) e.setAttribute('role', role);
      if (to) to.append(e);
      return e;
    };
    const row = {element: add(null, 'div', 'row', 'row')};
    row.what = add(row.element, 'div', 'what', 'gridcell');
    row.button = add(row.what, 'button');
    row.button.type = 'button'; row.button.tabIndex = -1;
    for (const part of ['kind', 'status', 'hidden', 'title', 'bad', 'warn', 'dim']) {
      if (part !== 'hidden') row.what.append(' ');
      row[part] = add(row.what, 'span', part);
    }
    for (const part of ['tokens', 'cost', 'took']) row[part] = add(row.element, 'div', 'num', 'gridcell');
    row.bar = add(add(row.element, 'div', 'line', 'gridcell'), 'div');
    return row;
  }

  // say gives an element a text, and hides it where there is none.
  function say(e, text) {
    if (e.textContent !== text) e.textContent = text;
    e.hidden = text === '';
  }

  function fill(row, i, k) {
    const p = parent(i), status = statuses[s.status[i]], e = row.element;
    e.className = i === at ? 'row selected' : 'row';
    e.tabIndex = i === at ? 0 : -1;
    e.dataset.i = i;
    e.id = 'row' + i;
    e.style.top = k * height + 'px';
    const attributes = {level: s.depth[i] + 1, posinset: place[i], setsize: p < 0 ? 1 : size[p], rowindex: k + 1, selected: i === at};
    for (const name in attributes) e.setAttribute('aria-' + name, attributes[name]);
    row.what.className = 'what d' + Math.min(12, s.depth[i]);
    if (hasChildren(i)) {
      e.setAttribute('aria-expanded', !folded[i]);
      row.button.setAttribute('aria-label', folded[i] ? 'Expand' : 'Collapse');
    } else e.removeAttribute('aria-expanded');
    say(row.button, hasChildren(i) ? folded[i] ? '▸' : '▾' : '');
    say(row.kind, kinds[s.kind[i]]);
    row.status.className = 'status ' + status;
    say(row.status, glyphs[s.status[i]]);
    say(row.hidden, status);
    say(row.title, s.names[s.name[i]]);
    if (hits.has(i)) { const m = document.createElement('mark'); m.textContent = s.names[s.name[i]]; row.title.replaceChildren(m); }
    else if (row.title.firstElementChild) row.title.replaceChildren(s.names[s.name[i]]);
    const below = failures[i] - (s.status[i] === 2);
    say(row.bad, below > 0 ? '⚠ ' + below : '');
    say(row.warn, s.names[s.mark[i]]);
    say(row.dim, s.names[s.detail[i]]);
    row.tokens.textContent = s.tokens[i] ? decimal.format(s.tokens[i]) : '';
    row.cost.textContent = s.cost[i];
    row.took.textContent = (s.group[i] ? 'Σ ' : '') + (s.took[i] < 0 ? (s.status[i] === 1 ? 'open' : '') : time(s.took[i]));
    row.bar.className = s.x[i] < 0 ? '' : s.status[i] === 2 ? 'fail' : 'bar';
    row.bar.style.left = (s.x[i] - left) / (right - left) * 100 + '%';
    row.bar.style.width = s.width[i] / (right - left) * 100 + '%';
  }

  const decimal = new Intl.NumberFormat('en');
  const time = us => us < 1000 ? us + ' µs' : us < 1e6 ? (us / 1000).toFixed(us < 10000 ? 1 : 0) + ' ms' : us < 6e7 ? (us / 1e6).toFixed(2) + ' s' : Math.floor(us / 6e7) + 'm' + String(Math.floor(us / 1e6) % 60).padStart(2, '0') + 's';

  // go selects a row, brings it into sight and moves the focus to it.
  function go(i, focus) {
    for (let p = parent(i); p >= 0; p = parent(p)) folded[p] = 0;
    if (!shown.includes(i)) list();
    const before = at, k = shown.indexOf(i);
    at = i;
    for (const j of [before, i]) { const key = shown.indexOf(j), row = drawn.get(key); if (row) fill(row, j, key); }
    if (k * height < grid.scrollTop) grid.scrollTop = k * height;
    if ((k + 1) * height > grid.scrollTop + grid.clientHeight) grid.scrollTop = (k + 1) * height - grid.clientHeight;
    draw();
    if (focus !== false && drawn.has(k)) drawn.get(k).element.focus({preventScroll: true});
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
    if (row) row.element.focus({preventScroll: true});
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
