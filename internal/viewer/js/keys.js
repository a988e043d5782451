// Single keys. Elements with data-key are clicked or focused by their key; lists move with
// j and k. Off where <html> has no data-keys, and while somebody types. The page for help
// lists all keys: viewer.keyMap, which a test holds against this file.
const typing = event => event.ctrlKey || event.metaKey || event.altKey ||
  event.target.closest('input:not([type=checkbox]), textarea, select, [contenteditable]');

const places = {t: '/traces', s: '/sessions', l: '/live', o: '/', h: '/help'};
const list = document.querySelector('[data-list]');
let going = false;

function press(element) {
  if (!element) return false;
  if (element.matches('input, textarea')) { element.focus(); element.select(); } else element.click();
  return true;
}

const chosen = () => list.querySelector('[data-row][aria-selected=true]');

function move(by) {
  const rows = [...list.querySelectorAll('[data-row]')], row = chosen();
  const to = rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(row) + by))];
  if (!to) return;
  if (row) row.removeAttribute('aria-selected');
  to.setAttribute('aria-selected', 'true');
  const link = to.querySelector('[data-open]');
  if (link) link.focus();
}

function preview() {
  const box = document.querySelector('[data-preview]'), row = chosen();
  if (!box || !row) return false;
  box.hidden = false;
  window.troupe.swap(box, row.dataset.part).catch(e => { box.textContent = 'It could not be loaded: ' + e.message; });
  return true;
}

// On a trace, its neighbours are those of the list that was seen last.
const seen = 'troupe-list';
if (list) sessionStorage.setItem(seen, JSON.stringify([...list.querySelectorAll('[data-open]')].map(link => link.href)));
function neighbour(by) {
  const links = JSON.parse(sessionStorage.getItem(seen) || '[]');
  const at = links.findIndex(link => new URL(link).pathname === location.pathname);
  if (at < 0 || !links[at + by]) return false;
  location.href = links[at + by];
  return true;
}

const lists = {
  j: () => move(1), k: () => move(-1), ' ': preview, o: () => press(chosen() && chosen().querySelector('[data-open]')),
  x: () => press(chosen() && chosen().querySelector('[type=checkbox]')),
  p: () => { if (!new URLSearchParams(location.search).has('after')) return false; history.back(); },
};
const others = {
  J: () => neighbour(1), K: () => neighbour(-1),
  Escape: () => { const box = document.querySelector('[data-preview]'); if (!box || box.hidden) return false; box.hidden = true; },
};

document.addEventListener('keydown', event => {
  if (!document.documentElement.hasAttribute('data-keys') || typing(event) || event.defaultPrevented) return;
  if (going) {
    going = false;
    if (places[event.key]) location.href = (document.documentElement.dataset.base || '') + places[event.key] + repoQuery();
    return;
  }
  if (event.key === 'g') { going = true; setTimeout(() => { going = false; }, 1500); return; }
  const act = (list && !event.target.closest('button, summary') && lists[event.key]) || others[event.key];
  if (act && act() !== false) { event.preventDefault(); return; }
  const named = [...document.querySelectorAll('[data-key]')].find(e => e.dataset.key === event.key && !e.hidden);
  if (press(named)) event.preventDefault();
});

// repoQuery keeps the repository that the address names.
function repoQuery() {
  const repo = new URLSearchParams(location.search).get('repo');
  return repo === null ? '' : '?repo=' + encodeURIComponent(repo);
}
