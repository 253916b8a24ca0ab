/* The page of `hakmem-trace fleet html`: findings as a table, and one of them with its days, places and report.
   Texts of hosts are put in by textContent alone. */
  const DAY = 86400;
  const time = text => text.replace('T', ' ').slice(0, 16);
  const date = seconds => new Date(seconds * 1000).toISOString().slice(0, 10);
  const buildOf = one => one.version || (one.build ? `build ${one.build.slice(0, 8)}` : 'no build-id');

  /* ---- the data: days, places and report of each finding -------------------------------------- */
  const known = new Map();
  for (const finding of data.findings) known.set(finding.fingerprint, Object.assign(finding, { days: [], places: [], newest: null }));
  for (const report of data.reports) data.findings[report.finding].newest = report;
  for (const day of data.days) known.get(day.fingerprint)?.days.unshift(day);
  for (const place of data.places) known.get(place.fingerprint)?.places.push(place);
  const firstDay = data.days.length ? data.days[data.days.length - 1].day : 0, lastDay = data.days.length ? data.days[0].day : 0;
  const days = Math.round((lastDay - firstDay) / DAY) + 1;

  const state = { sort: 'runs', ascending: false, search: '', kind: '', host: '', build: '', chosen: null };

  /* ---- pictures ------------------------------------------------------------------------------- */
  /* One bar a day, or for so many that 120 bars are enough. */
  function drawDays(svg, finding, width, height) {
    const each = Math.max(1, Math.ceil(days / 120)), bars = new Float64Array(Math.ceil(days / each));
    for (const day of finding.days) bars[Math.floor(Math.round((day.day - firstDay) / DAY) / each)] += day.estimate;
    const most = Math.max(1, ...bars), step = width / bars.length;
    let path = '';
    bars.forEach((value, i) => {
      const top = height - Math.max(value ? 1.5 : 0, value / most * (height - 2));
      if (value) path += `M${(i * step).toFixed(2)} ${height}V${top.toFixed(2)}H${((i + 1) * step - Math.min(1, step / 4)).toFixed(2)}V${height}Z`;
    });
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    for (const old of svg.querySelectorAll('path')) old.remove();
    svg.append(shape('path', { d: path || 'M0 0' }));
  }
  function spark(finding) {
    const svg = shape('svg', { class: 'trend spark', 'aria-hidden': 'true', preserveAspectRatio: 'none' });
    drawDays(svg, finding, 120, 22);
    return svg;
  }

  /* ---- tables --------------------------------------------------------------------------------- */
  const COLUMNS = [
    { key: 'name', words: 'finding', left: true, value: f => `${f.name} ${f.place}` },
    { key: 'count', words: 'seen' }, { key: 'estimate', words: 'estimate' }, { key: 'runs', words: 'runs' }, { key: 'hosts', words: 'hosts' }, { key: 'builds', words: 'builds' },
    { key: 'first_seen', words: 'first seen', show: f => `${time(f.first_seen)} ${buildOf(f.first_in)}` },
    { key: 'last_seen', words: 'last seen', show: f => `${time(f.last_seen)} ${buildOf(f.last_in)}` },
  ];
  const valueOf = (column, finding) => column.value ? column.value(finding) : finding[column.key];

  function isShown(finding) {
    const words = `${finding.fingerprint} ${finding.name} ${finding.place} ${finding.headline}`.toLowerCase();
    return (!state.kind || finding.name === state.kind) && words.includes(state.search.toLowerCase()) &&
      (!(state.host || state.build) || finding.places.some(place => (!state.host || place.host === state.host) && (!state.build || buildOf(place) === state.build)));
  }
  function drawHead() {
    const row = make('tr', {}, ...COLUMNS.map(column => sortHeading(state, column.key, column.words, Boolean(column.left), draw)));
    row.append(make('th', { scope: 'col', text: 'by day' }));
    $('table').tHead.replaceChildren(row);
  }
  function draw() {
    const column = COLUMNS.find(one => one.key === state.sort), sign = state.ascending ? 1 : -1;
    const shown = data.findings.filter(isShown);
    shown.sort((a, b) => {
      const left = valueOf(column, a), right = valueOf(column, b);
      return sign * (left < right ? -1 : left > right ? 1 : 0) || (a.fingerprint < b.fingerprint ? -1 : 1);
    });
    drawHead();
    $('table').tBodies[0].replaceChildren(...shown.map(finding => make('tr', {},
      ...COLUMNS.map(one => one.left ? make('td', { class: 'left' }, make('button', { type: 'button', class: 'open', 'aria-pressed': String(state.chosen === finding), 'data-finding': finding.fingerprint,
        onclick: () => choose(finding) }, make('b', { text: finding.name }), ` ${finding.place}`), make('span', { class: 'help', text: ` ${finding.fingerprint}` }))
        : make('td', { text: one.show ? one.show(finding) : number(finding[one.key]) })),
      make('td', {}, spark(finding)))));
    const all = data.findings.length < data.all ? ` (the first ${number(data.findings.length)} of ${number(data.all)})` : '';
    $('total').textContent = `${shown.length === data.findings.length ? '' : `${number(shown.length)} of `}${plural(data.findings.length, 'finding', 'findings')}${all}`;
  }

  /* ---- one finding ---------------------------------------------------------------------------- */
  function choose(finding) {
    state.chosen = finding;
    for (const button of document.querySelectorAll('.open')) button.setAttribute('aria-pressed', String(button.dataset.finding === finding.fingerprint));
    $('detail').hidden = false;
    $('detail-title').textContent = `${finding.name} ${finding.place}`;
    $('detail-what').textContent = `${finding.headline} (${finding.fingerprint})`;
    const most = finding.days.reduce((best, day) => day.estimate > best.estimate ? day : best, { estimate: 0, day: 0 });
    $('chart-title').textContent = `How often by day: ${plural(finding.days.length, 'day', 'days')} with it${most.day ? `, the most on ${date(most.day)}: ${number(most.estimate)}` : ''}.`;
    drawDays($('chart'), finding, 1000, 120);
    $('chart-span').textContent = data.days.length ? `${date(firstDay)} to ${date(lastDay)}; seen, times the rate of level light.` : '';
    $('days').replaceChildren(plainTable('Days with it', ['day', 'seen', 'estimate'], finding.days.map(day => [date(day.day), number(day.count), number(day.estimate)]), [0]));
    $('places').replaceChildren(plainTable('Hosts and builds with it', ['host', 'version', 'build', 'seen', 'estimate', 'runs', 'first seen', 'last seen'],
      finding.places.map(one => [one.host, one.version, one.build.slice(0, 16), number(one.count), number(one.estimate), number(one.runs), time(one.first_seen), time(one.last_seen)]), [0]));
    $('report-of').textContent = finding.newest ? `${time(finding.newest.at)} on ${finding.newest.host}, ${finding.newest.program}` : '';
    const report = finding.newest ? finding.newest.report : '';
    $('report').textContent = Array.isArray(report) ? report.join('\n') : report;
    $('detail-title').focus();
  }

  /* ---- the page ------------------------------------------------------------------------------- */
  function fill(id, words, values) {
    const select = $(id);
    select.append(make('option', { value: '', text: words }), ...[...new Set(values)].sort().map(value => make('option', { value, text: value || '(none)' })));
    select.addEventListener('change', () => { state[id] = select.value; draw(); });
  }
  fill('kind', 'all', data.findings.map(finding => finding.name));
  fill('host', 'all', data.places.map(place => place.host));
  fill('build', 'all', data.places.map(buildOf));
  $('search').addEventListener('input', () => { state.search = $('search').value; draw(); });
  document.addEventListener('keydown', event => {
    if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey && document.activeElement !== $('search')) { event.preventDefault(); $('search').focus(); }
  });

  startTheme();
  $('about').textContent = data.server;
  const missing = [data.days_left_out && 'days', data.places_left_out && 'hosts and builds'].filter(Boolean);
  $('note').hidden = !missing.length;
  if (missing.length) $('note').textContent = `Only the newest ${missing.join(', and ')} are in this page: there are more.`;
  draw();
  document.documentElement.dataset.ready = 'yes';
