/* Code shared by the pages of `hakmem-trace html`, `fleet html` and `replay --html`. It stands before each page's own script, in one function with it.
   Foreign texts are put in by textContent alone. */
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = id => document.getElementById(id);

  /* ---- elements ------------------------------------------------------------------------------ */
  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === 'class') element.className = value;
      else if (key === 'text') element.textContent = value;
      else if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  };
  const shape = (name, attributes) => { /* of a picture */
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  /* ---- words --------------------------------------------------------------------------------- */
  const number = value => Math.round(value).toLocaleString('en-US');
  const plural = (count, one, many) => `${number(count)} ${Math.abs(count) === 1 ? one : many}`;

  /* ---- tables -------------------------------------------------------------------------------- */
  /* Columns of texts, by their number in `texts`, stand at the left. */
  function plainTable(caption, headings, rows, texts = []) {
    const side = i => texts.includes(i) ? { class: 'left' } : {};
    return make('table', {}, make('caption', { class: 'hidden', text: caption }),
      make('thead', {}, make('tr', {}, ...headings.map((text, i) => make('th', { scope: 'col', text, ...side(i) })))),
      make('tbody', {}, ...rows.map(row => make('tr', {}, ...row.map((text, i) => make('td', { text, ...side(i) }))))));
  }
  /* A heading that sorts by `key`, texts upwards first; `state` has sort and ascending, `redraw` makes the table anew. */
  function sortHeading(state, key, text, isText, redraw) {
    const th = make('th', { scope: 'col', ...(isText ? { class: 'left' } : {}) });
    if (state.sort === key) th.setAttribute('aria-sort', state.ascending ? 'ascending' : 'descending');
    th.append(make('button', { type: 'button', text, 'data-sort': key, onclick: () => {
      state.ascending = state.sort === key ? !state.ascending : isText;
      state.sort = key;
      redraw();
      document.querySelector(`[data-sort="${key}"]`).focus();
    } }));
    return th;
  }

  /* ---- colours ------------------------------------------------------------------------------- */
  /* The button goes from what the system has to light, to dark, and back. */
  function startTheme() {
    const names = ['auto', 'light', 'dark'], dark = matchMedia('(prefers-color-scheme: dark)');
    let theme = 0;
    const set = () => {
      document.documentElement.dataset.theme = theme === 2 || (theme === 0 && dark.matches) ? 'dark' : 'light';
      $('theme').textContent = `Colours: ${names[theme]}`;
    };
    $('theme').addEventListener('click', () => { theme = (theme + 1) % 3; set(); });
    dark.addEventListener('change', set);
    set();
  }
