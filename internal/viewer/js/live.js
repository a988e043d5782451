// Follows what is logged: rows are changed in place, and new ones come on top unless
// somebody reads, or has paused.
const body = document.querySelector('[data-live]');
const glyphOf = {error: '✗', ended: '✓', open: '◌', partial: '?'};

if (body && window.EventSource) follow();

function follow() {
  const pause = document.querySelector('[data-pause]'), fresh = document.querySelector('[data-new]'), state = document.querySelector('[data-state]');
  const base = new URL(body.dataset.trace, location.href);
  let source = null, paused = false, said = 0;
  const held = new Map();
  pause.hidden = false;

  const say = text => { if (Date.now() - said > 5000 || /lost|following/.test(text)) { state.textContent = text; said = Date.now(); } };
  const busy = () => paused || window.scrollY > 80 || body.contains(document.activeElement) || body.matches(':hover');

  function cells(t) {
    const link = new URL(base);
    link.pathname = base.pathname + encodeURIComponent(t.id);
    const started = t.start ? t.start.slice(0, 19).replace('T', ' ') + ' UTC' : '–';
    const took = t.status === 'open' ? 'open' : t.duration_ms ? Math.round(t.duration_ms) + ' ms' : '';
    return {link: link.href, texts: [null, null, started, took, t.entities, t.tools, t.tokens, t.errors]};
  }
  function fill(row, t) {
    const {link, texts} = cells(t);
    const status = row.cells[0].querySelector('.status');
    status.className = 'status ' + t.status;
    status.textContent = (glyphOf[t.status] || '?') + ' ' + t.status;
    const name = row.cells[1].querySelector('a');
    name.href = link; name.textContent = t.name;
    row.cells[1].querySelector('bdi').textContent = t.last || '';
    for (let i = 2; i < texts.length; i++) {
      if (i === 2) { const when = row.cells[2].querySelector('time'); when.dateTime = t.start || ''; when.textContent = texts[2]; } else row.cells[i].textContent = texts[i].toLocaleString('en');
    }
  }
  function make(t) {
    const row = document.createElement('tr');
    row.dataset.id = t.id;
    const labels = ['Status', 'Trace', 'Started', 'Duration', 'Nodes', 'Tools', 'Tokens', 'Errors'];
    labels.forEach((label, i) => {
      const cell = row.insertCell();
      cell.dataset.label = label;
      if (i === 0) cell.append(document.createElement('span')), cell.firstChild.className = 'status';
      if (i === 1) { cell.className = 'wide'; const a = document.createElement('a'); a.className = 'name'; const d = document.createElement('div'); d.className = 'dim two'; d.append(document.createElement('bdi')); cell.append(a, d); }
      if (i === 2) cell.append(document.createElement('time'));
      if (i > 2) cell.className = 'num';
    });
    fill(row, t);
    return row;
  }
  function release() {
    const newest = [...held.values()].slice(-50).reverse(), rows = document.createDocumentFragment();
    for (const t of newest) rows.append(make(t));
    body.prepend(rows);
    held.clear();
    while (body.rows.length > 50) body.lastElementChild.remove();
    fresh.hidden = true;
  }
  // New rows are drawn a few per frame, so that no frame takes long.
  const arrived = new Map();
  let drawing = 0;
  function arrive(event) {
    const t = JSON.parse(event.data);
    arrived.set(t.id, t);
    drawing ||= requestAnimationFrame(some);
  }
  function some() {
    for (const [id, t] of [...arrived].slice(0, 5)) { arrived.delete(id); take(t); }
    if (held.size) settle();
    drawing = arrived.size ? requestAnimationFrame(some) : 0;
  }
  function settle() {
    if (busy()) { fresh.textContent = held.size + ' new ↑'; fresh.hidden = false; } else release();
  }
  function take(t) {
    const row = body.querySelector('tr[data-id="' + CSS.escape(t.id) + '"]');
    if (row) { if (!paused) fill(row, t); return; }
    held.set(t.id, t);
  }
  function open() {
    if (source) return;
    source = new EventSource(body.dataset.live);
    source.addEventListener('open', () => say('following'));
    source.addEventListener('trace', arrive);
    source.addEventListener('error', () => say('lost since ' + new Date().toLocaleTimeString() + ', trying again'));
  }
  function close() { if (source) source.close(); source = null; }

  pause.addEventListener('click', () => { paused = !paused; pause.textContent = paused ? 'Go on' : 'Pause'; pause.setAttribute('aria-pressed', paused); if (!paused) release(); });
  fresh.addEventListener('click', () => { window.scrollTo(0, 0); release(); });
  document.addEventListener('visibilitychange', () => { if (document.hidden) close(); else open(); });
  addEventListener('pagehide', close);
  open();
}
