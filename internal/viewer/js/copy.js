// Buttons that copy: the address of the page, or the text at an address of this server.
for (const button of document.querySelectorAll('[data-copy]')) button.hidden = false;

document.addEventListener('click', async event => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  const said = document.querySelector('[data-copied]');
  try {
    let text = location.href;
    if (button.dataset.copy !== 'link') {
      const answer = await fetch(button.dataset.copy);
      if (!answer.ok) throw new Error(answer.status + ' ' + answer.statusText);
      text = await answer.text();
    }
    await navigator.clipboard.writeText(text);
    said.textContent = 'Copied.';
  } catch (e) { said.textContent = 'Not copied: ' + e.message; }
});
