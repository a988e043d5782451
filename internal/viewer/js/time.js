// Puts times into the zone of the browser, whose name they then have. Where <html> has
// data-utc they stay as they are.
function localise(root) {
  if (document.documentElement.hasAttribute('data-utc')) return;
  for (const t of root.querySelectorAll('time[datetime]')) {
    const at = new Date(t.dateTime);
    if (isNaN(at) || t.dataset.local) continue;
    t.title = t.textContent;
    t.textContent = at.toLocaleString(undefined, {year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false, timeZoneName: 'short'});
    t.dataset.local = 'true';
  }
}
localise(document);
document.addEventListener('troupe:swapped', event => localise(event.detail));
