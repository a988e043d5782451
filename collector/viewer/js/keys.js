// Single keys. Elements with data-key are clicked or focused by their key; lists move with
// j and k. Off where <html> has no data-keys, and while somebody types.
const typing = event => event.ctrlKey || event.metaKey || event.altKey ||
  event.target.closest('input, textarea, select, [contenteditable]');

const places = {t: '/traces', s: '/sessions', l: '/live', o: '/', h: '/help'};
let going = false;

function press(element) {
  if (!element) return false;
  if (element.matches('input, textarea')) { element.focus(); element.select(); } else element.click();
  return true;
}

function moveIn(list, by) {
  const rows = [...list.querySelectorAll('[data-row]')];
  const at = rows.findIndex(row => row.getAttribute('aria-selected') === 'true');
  const to = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
  if (!to) return;
  if (at >= 0) rows[at].removeAttribute('aria-selected');
  to.setAttribute('aria-selected', 'true');
  const link = to.querySelector('[data-open]');
  if (link) link.focus();
}

document.addEventListener('keydown', event => {
  if (!document.documentElement.hasAttribute('data-keys') || typing(event) || event.defaultPrevented) return;
  const list = document.querySelector('[data-list]');
  if (going) {
    going = false;
    if (places[event.key]) location.href = places[event.key] + repoQuery();
    return;
  }
  if (event.key === 'g') { going = true; setTimeout(() => { going = false; }, 1500); return; }
  if (list && (event.key === 'j' || event.key === 'k')) { moveIn(list, event.key === 'j' ? 1 : -1); event.preventDefault(); return; }
  const named = [...document.querySelectorAll('[data-key]')].find(e => e.dataset.key === event.key);
  if (press(named)) event.preventDefault();
});

// repoQuery keeps the repository that the address names.
function repoQuery() {
  const repo = new URLSearchParams(location.search).get('repo');
  return repo === null ? '' : '?repo=' + encodeURIComponent(repo);
}
