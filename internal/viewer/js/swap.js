// The one place where text becomes elements: fragments that this server made with
// html/template. No other file may name innerHTML, which a test checks.
const policy = window.trustedTypes
  ? trustedTypes.createPolicy('troupe', {createHTML: text => text})
  : {createHTML: text => text};

// swap fetches a fragment from this server and puts it into an element.
async function swap(element, url, options) {
  const answer = await fetch(url, {...options, headers: {'X-Troupe-Fragment': '1'}});
  if (!answer.ok) throw new Error(answer.status + ' ' + answer.statusText);
  const text = await answer.text();
  if (options && options.signal && options.signal.aborted) return;
  element.innerHTML = policy.createHTML(text);
  document.dispatchEvent(new CustomEvent('troupe:swapped', {detail: element}));
}

window.troupe = {swap};
