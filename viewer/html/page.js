/* The page of `hakmem-trace html`: what the data says, as pictures and tables. Format of the data: docs/specs/html.md.
   Texts of programs are put in by textContent alone. */
  /* ---- small helpers ------------------------------------------------------------------------- */
  const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const size = bytes => {
    let unit = 0, value = Math.abs(bytes);
    while (value >= 1024 && unit < UNITS.length - 1) { value /= 1024; unit++; }
    return `${bytes < 0 ? '-' : ''}${unit ? value.toFixed(1) : value} ${UNITS[unit]}`;
  };
  const time = ns => `${(Math.floor(ns / 1e6) / 1e3).toFixed(3)} s`;
  const axisTime = ns => ns >= 1e9 || ns === 0 ? `${+(ns / 1e9).toFixed(4)} s` : ns >= 1e6 ? `${+(ns / 1e6).toFixed(4)} ms` : `${+(ns / 1e3).toFixed(4)} us`;
  const percent = (part, whole) => whole ? `${(part * 100 / whole).toFixed(1)} %` : '';
  const amount = (value, unit) => unit === 'bytes' ? size(value) : plural(value, 'block', 'blocks');
  const exact = (value, unit) => unit === 'bytes' ? `${number(value)} bytes` : plural(value, 'block', 'blocks');
  const limit = (value, least, most) => Math.min(most, Math.max(least, value));

  /* ---- the data ------------------------------------------------------------------------------ */
  function reader(text) {
    const letters = atob(text), bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
    let at = 0;
    const next = () => {
      let value = 0, scale = 1;
      for (;;) {
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (byte < 128) return value;
        scale *= 128;
      }
    };
    return { next, signed: () => { const v = next(); return v % 2 ? -(v + 1) / 2 : v / 2; }, more: () => at < bytes.length, length: bytes.length };
  }

  const functions = [];
  for (let r = reader(data.functions); r.more();)
    functions.push({ name: data.texts[r.next()], where: data.texts[r.next()], file: data.texts[r.next()], module: data.texts[r.next()] });
  for (const fn of functions) if (fn.name === '??') fn.name = fn.where || '??'; /* code without a name: its place in the module */

  const parent = [0], functionOf = [-1], depth = [0];
  for (let r = reader(data.tree); r.more();) {
    const node = parent.length;
    parent.push(node - r.next());
    functionOf.push(r.next());
    depth.push(depth[parent[node]] + 1);
  }
  const nodes = parent.length;

  const rowNode = [], rowProcess = [];
  for (let r = reader(data.rows), node = 0; r.more();) { node += r.next(); rowNode.push(node); rowProcess.push(r.next()); }

  /* Changes, one behind the other; step i has those from step[i].first to step[i + 1].first. */
  const step = [];
  const change = (() => {
    const r = reader(data.steps), room = Math.ceil(r.length / 2) + 1;
    const c = { row: new Uint32Array(room), cameBlocks: new Float64Array(room), cameBytes: new Float64Array(room), wentBlocks: new Float64Array(room), wentBytes: new Float64Array(room),
      briefBlocks: new Float64Array(room), briefBytes: new Float64Array(room), gotBlocks: new Float64Array(room), gotBytes: new Float64Array(room), leftBlocks: new Float64Array(room), leftBytes: new Float64Array(room), count: 0 };
    let event = 0, ns = 0;
    while (r.more()) {
      event += r.next();
      ns += r.signed();
      step.push({ event, ns, most: r.next(), least: r.next(), first: c.count });
      let row = 0;
      for (let left = r.next(); left > 0; left--) {
        const i = c.count++;
        c.row[i] = row += r.next();
        const has = r.next();
        if (has & 1) { c.cameBlocks[i] = r.next(); c.cameBytes[i] = r.next(); }
        if (has & 2) { c.wentBlocks[i] = r.next(); c.wentBytes[i] = r.next(); }
        if (has & 4) { c.wentBlocks[i] = c.cameBlocks[i]; c.wentBytes[i] = c.cameBytes[i]; }
        if (has & 8) { c.briefBlocks[i] = r.next(); c.briefBytes[i] = r.next(); }
        if (has & 16) { c.briefBlocks[i] = c.wentBlocks[i]; c.briefBytes[i] = c.wentBytes[i]; }
        if (has & 32) { c.gotBlocks[i] = r.next(); c.gotBytes[i] = r.next(); }
        if (has & 64) { c.leftBlocks[i] = r.next(); c.leftBytes[i] = r.next(); }
      }
    }
    return c;
  })();
  const steps = step.length;
  /* The moment that an event ends; -1 = before all. */
  const stepOfEvent = event => event ? step.findLastIndex(one => one.event <= event) : -1;
  const growing = { from: stepOfEvent(data.growth.from_event), to: stepOfEvent(data.growth.to_event), functions: new Set(data.growth.still_growing) };
  const endOf = i => i + 1 < steps ? step[i + 1].first : change.count;

  /* What is shown. Moment -1 is before everything, moment i behind step i. */
  const state = { from: -1, to: steps - 1, isSpan: false, isByFunction: true, showsRss: false, view: 'icicle', measure: 'live', unit: 'bytes', order: 'down', colour: 'module', per: 'function', process: 0,
    search: '', zoom: null, sort: 'value', ascending: false, shown: 100, frame: null, panel: 'heap' };

  /* Live at each moment, and what came and went in each step, of the process that is chosen. */
  let curve;
  function makeCurve() {
    curve = [];
    let blocks = 0, bytes = 0;
    for (let i = 0; i < steps; i++) {
      let came = 0, went = 0;
      for (let k = step[i].first; k < endOf(i); k++) {
        if (state.process && rowProcess[change.row[k]] !== state.process) continue;
        came += change.cameBytes[k];
        went += change.wentBytes[k];
        blocks += change.cameBlocks[k] - change.wentBlocks[k] + change.gotBlocks[k] - change.leftBlocks[k];
        bytes += change.cameBytes[k] - change.wentBytes[k] + change.gotBytes[k] - change.leftBytes[k];
      }
      curve.push({ blocks, bytes, came, went });
    }
  }

  /* The functions that held the most at the peak, and the rest, each with its bytes behind every step; [] where one curve says as much. */
  const BANDS = 7;
  let bands;
  function makeBands() {
    const live = addUp(-1, Math.max(0, peakStep()), PICKS.bytes.live, new Float64Array(nodes)), held = new Map();
    for (let node = 1; node < nodes; node++) if (live[node] > 0) held.set(functionOf[node], (held.get(functionOf[node]) || 0) + live[node]);
    const most = [...held].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, BANDS).map(([fn]) => fn);
    if (most.length < 2) { bands = []; return; }
    const placeOf = new Map(most.map((fn, i) => [fn, i])), bytes = new Float64Array(most.length + 1);
    bands = [...most, -1].map(fn => ({ fn, bytes: new Float64Array(steps) }));
    for (let i = 0; i < steps; i++) {
      for (let k = step[i].first; k < endOf(i); k++) {
        const row = change.row[k], place = placeOf.get(functionOf[rowNode[row]]);
        if (!state.process || rowProcess[row] === state.process) bytes[place === undefined ? most.length : place] += PICKS.bytes.live(k);
      }
      bands.forEach((band, place) => { band.bytes[i] = Math.max(0, bytes[place]); });
    }
  }

  /* Adds what rows got in steps (from, to] to `out`, by node, as `pick` has it. */
  function addUp(from, to, pick, out) {
    for (let k = from + 1 < steps ? step[from + 1].first : change.count, end = to < 0 ? 0 : endOf(to); k < end; k++) {
      const row = change.row[k];
      if (!state.process || rowProcess[row] === state.process) out[rowNode[row]] += pick(k);
    }
    return out;
  }
  const PICKS = {
    bytes: { came: k => change.cameBytes[k], went: k => change.wentBytes[k], brief: k => change.briefBytes[k],
      live: k => change.cameBytes[k] - change.wentBytes[k] + change.gotBytes[k] - change.leftBytes[k], held: k => change.cameBytes[k] - change.wentBytes[k] + change.gotBytes[k] },
    blocks: { came: k => change.cameBlocks[k], went: k => change.wentBlocks[k], brief: k => change.briefBlocks[k],
      live: k => change.cameBlocks[k] - change.wentBlocks[k] + change.gotBlocks[k] - change.leftBlocks[k], held: k => change.cameBlocks[k] - change.wentBlocks[k] + change.gotBlocks[k] },
  };
  const begin = () => state.isSpan ? state.from : -1;
  /* Of colours: of a moment that between start-up and teardown. */
  const growthSpan = () => state.isSpan || state.measure === 'grown' ? [begin(), state.to] : [growing.from, growing.to];
  /* What each node itself has of a measure. */
  function selfOf(measure, unit) {
    const out = new Float64Array(nodes), pick = PICKS[unit];
    if (measure === 'live') return addUp(-1, state.to, pick.live, out);
    if (measure === 'held') return addUp(-1, steps - 1, pick.held, out);
    if (measure === 'grown') return addUp(begin(), state.to, pick.live, out);
    return addUp(begin(), state.to, pick[measure], out);
  }
  const sumOf = list => { let sum = 0; for (const value of list) sum += value; return sum; };

  /* ---- words --------------------------------------------------------------------------------- */
  const momentWords = i => i < 0 ? 'the begin' : `${time(step[i].ns)} (event ${number(step[i].event)})`;
  const peakStep = () => {
    let best = -1, most = 0;
    curve.forEach((point, i) => { if (point.bytes > most) { most = point.bytes; best = i; } });
    return best;
  };
  const MEASURES = { live: 'live', came: 'allocated', went: 'freed', brief: 'short-lived', grown: 'grown', held: 'held at the end' };
  const TITLES = { live: 'Who holds it', came: 'Who allocated it', went: 'Who had allocated what was freed', brief: 'Whose blocks were short-lived', grown: 'What grew', held: 'What was never freed' };
  function spanWords() {
    if (state.measure === 'live') return `at ${momentWords(state.to)}`;
    if (state.measure === 'held') return 'by each process at its own end';
    return `from ${momentWords(begin())} to ${momentWords(state.to)}`;
  }

  /* ---- the timeline -------------------------------------------------------------------------- */
  const WIDTH = 1000, HEIGHT = 180, RATE = 36, TOP = 8, BASE = HEIGHT - RATE - 8;
  const firstNs = data.from_ns, spanNs = Math.max(1, data.to_ns - data.from_ns);
  const xOf = ns => limit((ns - firstNs) / spanNs, 0, 1) * WIDTH;
  const momentX = i => i < 0 ? 0 : xOf(step[i].ns);
  function niceBytes(most) {
    let unit = 1;
    while (most / unit >= 1024) unit *= 1024;
    const rough = most / unit / 4, power = 10 ** Math.floor(Math.log10(rough || 1));
    const one = [1, 2, 2.5, 5, 10].find(k => k * power >= rough) * power * unit;
    return Math.max(1, one);
  }
  function niceTime() {
    const count = limit(Math.floor(($('timeline').clientWidth || 900) / 130), 2, 12);
    const rough = spanNs / count, power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].find(k => k * power >= rough) * power;
  }
  /* What was resident then, of all processes; undefined where nobody looked. */
  const residentAt = ns => data.resident.findLast(([at]) => at <= ns) || data.resident.find(([at]) => at > ns);
  const hasResident = () => !state.process && data.resident.length > 0;
  const showsResident = () => state.showsRss && hasResident();
  function residentPath(y) {
    let path = '';
    for (const [ns, bytes] of data.resident) path += `${path ? 'L' : 'M'}${xOf(ns).toFixed(2)} ${y(bytes).toFixed(2)}`;
    return shape('path', { class: 'resident', d: path });
  }
  const bandHue = place => HUES[place % HUES.length];
  /* One above the other, the greatest below. */
  function drawBands(plot, y) {
    const below = new Float64Array(steps);
    bands.forEach((band, place) => {
      let top = '', bottom = '';
      for (let i = 0; i < steps; i++) {
        const x = momentX(i).toFixed(2), low = below[i];
        below[i] += band.bytes[i];
        top += `${i ? 'L' : 'M'}${x} ${y(below[i]).toFixed(2)}`;
        bottom = `L${x} ${y(low).toFixed(2)}${bottom}`;
      }
      const path = shape('path', { class: band.fn < 0 ? 'band rest' : 'band', d: `${top}${bottom}Z` }), title = shape('title', {});
      title.textContent = band.fn < 0 ? 'all other functions' : functions[band.fn].name;
      if (band.fn >= 0) path.style.setProperty('--h', bandHue(place));
      path.append(title);
      plot.append(path);
    });
  }
  function drawCurveLegend() {
    const swatch = name => make('span', { class: `swatch ${name}`, 'aria-hidden': 'true' });
    const items = [make('li', {}, swatch('of-came'), 'allocated'), make('li', {}, swatch('of-went'), 'freed')];
    if (state.isByFunction) bands.forEach((band, place) => {
      const mark = swatch(band.fn < 0 ? 'of-rest' : '');
      if (band.fn >= 0) mark.style.setProperty('--h', bandHue(place));
      items.push(make('li', {}, mark, band.fn < 0 ? 'others' : functions[band.fn].name));
    });
    $('curve-legend').replaceChildren(...items);
    $('by-function').hidden = !bands.length;
    $('by-function').setAttribute('aria-pressed', state.isByFunction);
    $('show-rss').hidden = !hasResident();
    $('show-rss').setAttribute('aria-pressed', state.showsRss);
  }
  function drawTimeline() {
    drawCurveLegend();
    const plot = $('plot');
    plot.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    while (plot.lastChild && plot.lastChild.nodeName !== 'title') plot.lastChild.remove();
    let most = 1, rate = 1;
    curve.forEach((point, i) => {
      most = Math.max(most, point.bytes, state.process ? 0 : step[i].most);
      rate = Math.max(rate, point.came, point.went);
    });
    const y = bytes => BASE - bytes / most * (BASE - TOP);
    const axis = [];
    const label = (className, text, left, top) => {
      const span = make('span', { class: className, text });
      if (left !== null) span.style.left = `${left}%`;
      if (top !== null) span.style.top = top;
      axis.push(span);
    };
    for (let bytes = niceBytes(most), one = bytes; bytes < most * .97; bytes += one) {
      plot.append(shape('line', { class: 'grid', x1: 0, x2: WIDTH, y1: y(bytes), y2: y(bytes) }));
      label('y', size(bytes), null, `calc(1rem + ${y(bytes)}px)`);
    }
    let range = '', area = `M0 ${BASE}`, edge = '';
    let before = 0;
    curve.forEach((point, i) => {
      const left = momentX(i - 1).toFixed(2), right = momentX(i).toFixed(2);
      if (!state.process) range += `M${left} ${y(step[i].least).toFixed(2)}H${right}V${y(step[i].most).toFixed(2)}H${left}Z`;
      edge += `${i ? 'L' : `M0 ${y(before).toFixed(2)}L`}${right} ${y(point.bytes).toFixed(2)}`;
      area += `L${right} ${y(point.bytes).toFixed(2)}`;
      before = point.bytes;
    });
    area += `V${BASE}Z`;
    plot.append(shape('path', { class: 'range', d: range }));
    if (state.isByFunction && bands.length) drawBands(plot, y);
    else plot.append(shape('path', { class: 'area', d: area }));
    plot.append(shape('path', { class: 'edge', d: edge || 'M0 0' }));
    if (showsResident()) { /* on a scale of its own: it may be many times what is live */
      const highest = data.resident.reduce((value, [, bytes]) => Math.max(value, bytes), 1);
      plot.append(residentPath(bytes => BASE - bytes / highest * (BASE - TOP)));
      label('y rss', `RSS, at most ${size(highest)}`, null, `calc(1rem + ${TOP + 12}px)`);
    }
    const middle = HEIGHT - RATE / 2, half = RATE / 2 - 2;
    let came = '', went = '';
    curve.forEach((point, i) => {
      const left = momentX(i - 1), right = Math.max(momentX(i), left + .6);
      came += `M${left.toFixed(2)} ${middle}H${right.toFixed(2)}V${(middle - point.came / rate * half).toFixed(2)}H${left.toFixed(2)}Z`;
      went += `M${left.toFixed(2)} ${middle}H${right.toFixed(2)}V${(middle + point.went / rate * half).toFixed(2)}H${left.toFixed(2)}Z`;
    });
    plot.append(shape('line', { class: 'grid', x1: 0, x2: WIDTH, y1: middle, y2: middle }), shape('path', { class: 'came', d: came }), shape('path', { class: 'went', d: went }));
    const titled = (className, ns, words) => {
      const line = shape('line', { class: className, x1: xOf(ns), x2: xOf(ns), y1: 0, y2: BASE }), title = shape('title', {});
      title.textContent = words;
      line.append(title);
      plot.append(line);
    };
    data.marks.forEach(mark => titled('note-mark', mark.ns, `mark ${mark.name}`));
    data.findings.forEach(finding => { if (finding.kind !== 'leak') titled('fault-mark', finding.ns, finding.headline); });
    const peak = peakStep();
    if (peak >= 0) {
      titled('peak', step[peak].ns, 'peak');
      const at = momentX(peak) / WIDTH * 100;
      label(`flag${at < 12 ? ' first' : at > 88 ? ' last' : ''}`, `peak ${size(curve[peak].bytes)}`, at, null);
    }
    for (let one = niceTime(), ns = Math.ceil(firstNs / one) * one; ns <= firstNs + spanNs; ns += one) {
      const at = xOf(ns) / WIDTH * 100;
      label(`x${at < 3 ? ' first' : at > 95 ? ' last' : ''}`, axisTime(ns), at, `calc(1rem + ${HEIGHT + 9}px)`);
    }
    $('axis').replaceChildren(...axis);
    $('plot-title').textContent = `Live bytes over time, from ${time(firstNs)} to ${time(data.to_ns)}; ${peak < 0 ? 'nothing was held' : `the peak is ${number(curve[peak].bytes)} bytes at ${momentWords(peak)}`}. Below: bytes allocated and freed in each step.`;
  }
  function placeHandles() {
    const left = i => `${momentX(i) / WIDTH * 100}%`;
    for (const [id, value] of [['from', state.from], ['to', state.to]]) {
      const handle = $(id);
      handle.style.left = left(value);
      handle.setAttribute('aria-valuemin', -1);
      handle.setAttribute('aria-valuemax', steps - 1);
      handle.setAttribute('aria-valuenow', value);
      handle.setAttribute('aria-valuetext', `${momentWords(value)}, ${value < 0 ? 0 : size(curve[value].bytes)} live`);
    }
    $('from').hidden = $('span').hidden = !state.isSpan;
    $('to').setAttribute('aria-label', state.isSpan ? 'End of the span' : 'Moment');
    $('span').style.left = left(state.from);
    $('span').style.width = `${(momentX(state.to) - momentX(state.from)) / WIDTH * 100}%`;
    $('is-span').setAttribute('aria-pressed', state.isSpan);
    const at = state.to < 0 ? { bytes: 0, blocks: 0 } : curve[state.to];
    let words = `At ${momentWords(state.to)}: ${number(at.bytes)} bytes (${size(at.bytes)}) live in ${plural(at.blocks, 'block', 'blocks')}.`;
    if (state.isSpan) {
      const was = state.from < 0 ? { bytes: 0, blocks: 0 } : curve[state.from];
      words = `From ${momentWords(state.from)} to ${momentWords(state.to)}: ${size(was.bytes)} to ${size(at.bytes)} live, grown by ${number(at.bytes - was.bytes)} bytes in ${plural(at.blocks - was.blocks, 'block', 'blocks')}.`;
    }
    $('moment').textContent = words;
    $('resident').hidden = !showsResident();
    const [, resident] = showsResident() && residentAt(state.to < 0 ? firstNs : step[state.to].ns) || [];
    $('resident').textContent = `Dashed, on a scale of its own: RSS${resident === undefined ? '' : ` ${size(resident)}`}.`;
    $('moment').dataset.bytes = at.bytes;
    $('moment').dataset.blocks = at.blocks;
    $('moment').dataset.event = state.to < 0 ? 0 : step[state.to].event;
    $('moment').dataset.fromEvent = begin() < 0 ? 0 : step[begin()].event;
  }
  function drawTimelineTable() {
    const rows = curve.map((point, i) => [time(step[i].ns), number(step[i].event), number(point.bytes), number(point.blocks), number(point.came), number(point.went)]);
    $('timeline-table').replaceChildren(plainTable('Live bytes behind each step of the time', ['up to', 'event', 'live bytes', 'live blocks', 'allocated in it', 'freed in it'], rows));
  }

  /* ---- choosing in the timeline -------------------------------------------------------------- */
  let isDragging = false;
  /* Draws once: at the next frame, or `ms` after the last call. The page is not ready until it has drawn, so no click falls between two drawings. */
  const pending = new Map();
  function drawLater(what, draw, ms = 0) {
    if (pending.has(what) && !ms) return;
    clearTimeout(pending.get(what));
    delete document.documentElement.dataset.ready;
    const run = () => {
      pending.delete(what);
      draw();
      if (!pending.size) document.documentElement.dataset.ready = 'yes';
    };
    pending.set(what, ms ? setTimeout(run, ms) : requestAnimationFrame(run));
  }
  function choose(from, to, isSpan) {
    state.isSpan = isSpan;
    state.to = limit(to, isSpan ? 0 : -1, steps - 1);
    state.from = isSpan ? limit(from, -1, state.to - 1) : -1;
    placeHandles();
    drawLater('graph', showGraph);
  }
  function momentAt(clientX) {
    const box = $('plot').getBoundingClientRect(), ns = firstNs + limit((clientX - box.left) / box.width, 0, 1) * spanNs;
    let low = 0, high = steps;
    while (low < high) { const middle = (low + high) >> 1; if (step[middle].ns <= ns) low = middle + 1; else high = middle; }
    const before = low - 1, after = Math.min(low, steps - 1);
    const near = before < 0 ? (ns - firstNs < step[after].ns - ns ? -1 : after) : ns - step[before].ns <= step[after].ns - ns ? before : after;
    const peak = peakStep(); /* the peak is hit within four pixels */
    return peak >= 0 && Math.abs(momentX(peak) - xOf(ns)) * box.width / WIDTH < 4 ? peak : near;
  }
  function dragPlot(event) {
    if (event.button || event.target.classList.contains('handle')) return;
    const start = event.clientX, first = momentAt(start), box = $('timeline');
    const wasSpan = state.isSpan;
    isDragging = true;
    let moved = false;
    const move = next => {
      moved = moved || Math.abs(next.clientX - start) > 5;
      if (!moved) return;
      const now = momentAt(next.clientX);
      if (now !== first) choose(Math.min(first, now), Math.max(first, now), true);
    };
    const end = last => {
      isDragging = false;
      box.removeEventListener('pointermove', move);
      box.removeEventListener('pointerup', end);
      box.removeEventListener('pointercancel', end);
      if (!moved && last.type === 'pointerup') choose(-1, first, false);
      else if (moved && !wasSpan && state.measure === 'live') { state.measure = $('measure').value = 'grown'; }
      showGraph();
    };
    if (box.setPointerCapture && event.pointerType !== 'touch') box.setPointerCapture(event.pointerId);
    box.addEventListener('pointermove', move);
    box.addEventListener('pointerup', end);
    box.addEventListener('pointercancel', end);
  }
  function moveHandle(id, to) {
    if (id === 'from') choose(Math.min(to, state.to - 1), state.to, true);
    else choose(state.from, state.isSpan ? Math.max(to, state.from + 1) : to, state.isSpan);
  }
  function dragHandle(event) {
    const handle = event.currentTarget;
    event.stopPropagation();
    handle.setPointerCapture(event.pointerId);
    isDragging = true;
    const move = next => moveHandle(handle.id, momentAt(next.clientX));
    const end = () => {
      isDragging = false;
      handle.removeEventListener('pointermove', move);
      handle.removeEventListener('pointerup', end);
      handle.removeEventListener('pointercancel', end);
      showGraph();
    };
    handle.addEventListener('pointermove', move);
    handle.addEventListener('pointerup', end);
    handle.addEventListener('pointercancel', end);
  }
  function handleKeys(event) {
    const id = event.currentTarget.id, now = state[id];
    const to = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, PageDown: now - 10, PageUp: now + 10, Home: -1, End: steps - 1, p: peakStep() }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    moveHandle(id, limit(to, -1, steps - 1));
  }

  /* ---- trees --------------------------------------------------------------------------------- */
  /* {parent, fn, self, total, weight, first child, next sibling} as arrays; node 0 is the root. */
  let tree;
  function downTree(self, growth) {
    return { count: nodes, parent, fn: functionOf, self, growth };
  }
  /* From who allocated to its callers: each node with something of its own gives it to its path. */
  function upTree(self, growth) {
    const up = { count: 1, parent: [0], fn: [-1], self: [0], growth: [0] }, children = [new Map()];
    for (let node = 1; node < nodes; node++) {
      if (!self[node] && !growth[node]) continue;
      let at = 0;
      for (let below = node; below; below = parent[below]) {
        let child = children[at].get(functionOf[below]);
        if (child === undefined) {
          child = up.count++;
          children[at].set(functionOf[below], child);
          children.push(new Map());
          up.parent.push(at);
          up.fn.push(functionOf[below]);
          up.self.push(0);
          up.growth.push(0);
        }
        at = child;
      }
      up.self[at] += self[node];
      up.growth[at] += growth[node];
    }
    return up;
  }
  function makeTree() {
    const self = selfOf(state.measure, state.unit);
    const growth = state.measure === 'grown' ? self : addUp(...growthSpan(), PICKS[state.unit].live, new Float64Array(nodes));
    const t = state.order === 'up' ? upTree(self, growth) : downTree(self, growth);
    t.total = Float64Array.from(t.self);
    t.grown = Float64Array.from(t.growth);
    t.weight = state.measure === 'grown' ? Float64Array.from(t.self, Math.abs) : Float64Array.from(t.self);
    t.child = new Int32Array(t.count).fill(-1);
    t.next = new Int32Array(t.count).fill(-1);
    for (let i = t.count - 1; i > 0; i--) {
      const above = t.parent[i];
      t.total[above] += t.total[i];
      t.grown[above] += t.grown[i];
      t.weight[above] += t.weight[i];
      if (t.weight[i] > 0) { t.next[i] = t.child[above]; t.child[above] = i; }
    }
    tree = t;
  }
  function childrenOf(node) {
    const list = [];
    for (let i = tree.child[node]; i >= 0; i = tree.next[i]) list.push(i);
    return list.sort((a, b) => tree.weight[b] - tree.weight[a] || a - b);
  }
  const nameOf = node => node ? functions[tree.fn[node]].name || '??' : 'all';
  const pathOf = node => { const path = []; for (let i = node; i; i = tree.parent[i]) path.unshift(tree.fn[i]); return path; };
  const nodeAt = path => {
    let node = 0;
    for (const fn of path || []) {
      let found = -1;
      for (let i = tree.child[node]; i >= 0 && found < 0; i = tree.next[i]) if (tree.fn[i] === fn) found = i;
      if (found < 0) break;
      node = found;
    }
    return node;
  };

  /* ---- colours ------------------------------------------------------------------------------- */
  const HUES = [212, 28, 152, 282, 48, 340, 184, 98, 8, 250, 316, 128];
  let hueOf = new Map();
  function chooseHues() {
    const byModule = new Map();
    for (let node = 1; node < nodes; node++) {
      const module = functions[functionOf[node]].module;
      byModule.set(module, (byModule.get(module) || 0) + 1);
    }
    hueOf = new Map([...byModule].sort((a, b) => b[1] - a[1]).map(([module], i) => [module, HUES[i % HUES.length]]));
  }
  function paint(element, node) {
    if (!node) { element.classList.add('plain'); return; }
    if (state.colour === 'module') {
      const fn = functions[tree.fn[node]]; /* a little apart, so that neighbours can be told */
      element.style.setProperty('--h', hueOf.get(fn.module) + tree.fn[node] * 7 % 31 - 15);
    } else if (state.colour === 'function') {
      element.style.setProperty('--h', tree.fn[node] * 137.5 % 360);
    } else if (tree.grown[node] === 0) {
      element.classList.add('plain');
    } else {
      element.style.setProperty('--h', tree.grown[node] > 0 ? 12 : 150);
      const share = Math.min(1, Math.abs(tree.grown[node]) / (tree.weight[node] || 1));
      element.style.setProperty('--frame-s', `${Math.round(25 + 45 * share)}%`);
    }
  }
  function drawLegend() {
    const items = [];
    const add = (hue, words) => {
      const swatch = make('span', { class: 'swatch', 'aria-hidden': 'true' });
      swatch.style.setProperty('--h', hue);
      items.push(make('li', {}, swatch, words));
    };
    if (state.colour === 'function') {
      items.push(make('li', { text: 'each function has its own colour' }));
    } else if (state.colour === 'growth') {
      add(12, `grew from ${growthSpan().map(momentWords).join(' to ')}`);
      add(150, 'shrank');
    } else {
      [...hueOf].slice(0, 10).forEach(([module, hue]) => add(hue, module || 'no module'));
      if (hueOf.size > 10) items.push(make('li', { text: `and ${hueOf.size - 10} more` }));
    }
    $('legend').replaceChildren(...items);
  }

  /* ---- the graph ----------------------------------------------------------------------------- */
  const ROW = 21;
  const matches = fn => state.search !== '' && [fn.name, fn.file, fn.module, fn.where].some(text => text.toLowerCase().includes(state.search));
  const nodeMatches = node => node > 0 && matches(functions[tree.fn[node]]);
  function frameWords(node) {
    const value = tree.total[node];
    return `${nameOf(node)}, ${amount(value, state.unit)}, ${percent(tree.weight[node], tree.weight[0])}`;
  }
  function layOut(zoom, width) {
    const least = isDragging ? 3 : 1, frames = [];
    const path = [];
    for (let i = zoom; ; i = tree.parent[i]) { path.unshift(i); if (!i) break; }
    path.forEach((node, level) => frames.push({ node, level, left: 0, width }));
    let now = [{ node: zoom, left: 0, width }];
    for (let level = path.length; now.length && level < 1200; level++) {
      const below = [];
      for (const above of now) {
        let left = above.left;
        for (const node of childrenOf(above.node)) {
          const wide = tree.weight[node] / tree.weight[above.node] * above.width;
          if (wide >= least) below.push({ node, level, left, width: wide });
          else break; /* the rest is smaller */
          left += wide;
        }
      }
      frames.push(...below);
      now = below;
    }
    return frames;
  }
  let frameOf = new Map();
  function drawGraph() {
    const graph = $('graph'), box = $('graph-box'), width = Math.max(200, box.clientWidth - 2);
    const zoom = nodeAt(state.zoom), frames = layOut(zoom, width), levels = frames.reduce((most, f) => Math.max(most, f.level + 1), 1);
    const hadFocus = graph.contains(document.activeElement);
    graph.style.height = `${levels * ROW}px`;
    frameOf = new Map();
    const on = nodeAt(state.frame);
    const elements = frames.map(frame => {
      const fn = frame.node ? functions[tree.fn[frame.node]] : null;
      const element = make('div', { class: 'frame', role: 'treeitem', 'aria-level': frame.level + 1, tabindex: '-1', 'aria-label': frameWords(frame.node) });
      if (frame.width > 24) element.textContent = frame.node ? fn.name || '??' : `all: ${amount(tree.total[0], state.unit)}`;
      element.title = `${frameWords(frame.node)}${fn && fn.where ? `\n${fn.where}` : ''}`;
      element.style.left = `${frame.left}px`;
      element.style.width = `${Math.max(1, frame.width)}px`;
      element.style.top = `${(state.view === 'flame' ? levels - 1 - frame.level : frame.level) * ROW}px`;
      paint(element, frame.node);
      if (state.search) element.classList.add(nodeMatches(frame.node) ? 'is-match' : 'is-dim');
      frame.element = element;
      element.frameOf = frame;
      frameOf.set(frame.node, frame);
      return element;
    });
    graph.replaceChildren(...elements);
    const current = frameOf.get(on) || frameOf.get(zoom) || frames[0];
    current.element.tabIndex = 0;
    current.element.setAttribute('aria-selected', 'true');
    if (state.frame) current.element.classList.add('is-on');
    if (hadFocus) current.element.focus({ preventScroll: true });
    if (state.view === 'flame' && !isDragging && !hadFocus) box.scrollTop = box.scrollHeight;
    const path = pathOf(zoom);
    $('path').replaceChildren(...[make('button', { type: 'button', text: 'all', onclick: () => zoomTo([]) }),
      ...path.map((fn, i) => make('button', { type: 'button', text: functions[fn].name, onclick: () => zoomTo(path.slice(0, i + 1)) }))].slice(-12));
    $('path').hidden = !path.length;
    describe(current.node);
  }
  function zoomTo(path) {
    state.zoom = path.length ? path : null;
    state.frame = path;
    drawGraph();
  }
  function describe(node) {
    const fn = node ? functions[tree.fn[node]] : null, items = [];
    const add = (name, text) => { if (text) items.push(make('dt', { text: name }), make('dd', { text })); };
    add('Function', fn ? fn.name || '??' : 'all');
    if (fn) {
      add('Where', fn.where);
      add('Module', fn.module);
      add('Itself', exact(tree.self[node], state.unit));
    }
    add(fn ? 'With callees' : 'In all', `${exact(tree.total[node], state.unit)}${state.unit === 'bytes' ? ` (${size(tree.total[node])})` : ''}, ${percent(tree.weight[node], tree.weight[0])} of what is shown`);
    if (state.measure !== 'grown' && (state.isSpan || state.colour === 'growth')) add('Grown', exact(tree.grown[node], state.unit));
    $('frame').replaceChildren(...items);
  }
  function select(node, moveFocus) {
    const frame = frameOf.get(node);
    if (!frame) return;
    for (const old of $('graph').querySelectorAll('[tabindex="0"], .is-on')) {
      old.tabIndex = -1;
      old.classList.remove('is-on');
      old.removeAttribute('aria-selected');
    }
    frame.element.tabIndex = 0;
    frame.element.classList.add('is-on');
    frame.element.setAttribute('aria-selected', 'true');
    state.frame = pathOf(node);
    if (moveFocus) frame.element.focus();
    describe(node);
  }
  function graphKeys(event) {
    const frame = document.activeElement && document.activeElement.frameOf;
    if (!frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const node = frame.node, isFlame = state.view === 'flame';
    const siblings = node ? childrenOf(tree.parent[node]).filter(i => frameOf.has(i)) : [0], at = siblings.indexOf(node);
    const down = () => childrenOf(node).find(i => frameOf.has(i)), up = () => node ? tree.parent[node] : undefined;
    const actions = {
      ArrowUp: () => select(isFlame ? down() : up(), true), ArrowDown: () => select(isFlame ? up() : down(), true),
      ArrowLeft: () => select(siblings[at - 1], true), ArrowRight: () => select(siblings[at + 1], true),
      Home: () => select(0, true), Enter: () => zoomTo(pathOf(node)), ' ': () => zoomTo(pathOf(node)), Escape: () => zoomTo([]),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  /* ---- the table ----------------------------------------------------------------------------- */
  const COLUMNS = [
    { key: 'value', words: () => MEASURES[state.measure] }, { key: 'share', words: () => 'share', sort: 'value' }, { key: 'total', words: () => 'with callees' },
    { key: 'live', words: () => 'live' }, { key: 'came', words: () => 'allocated' }, { key: 'calls', words: () => 'calls' }, { key: 'brief', words: () => 'short-lived' }, { key: 'grown', words: () => 'grown' },
  ];
  function groupOf(fn) {
    const one = functions[fn];
    return state.per === 'function' ? fn : state.per === 'file' ? one.file || one.module : one.module;
  }
  function makeGroups() {
    const groups = new Map(), unit = state.unit;
    const lists = { value: selfOf(state.measure, unit), live: addUp(-1, state.to, PICKS[unit].live, new Float64Array(nodes)), came: selfOf('came', unit), calls: selfOf('came', 'blocks'), brief: selfOf('brief', unit), grown: selfOf('grown', unit) };
    const total = Float64Array.from(lists.value);
    for (let i = nodes - 1; i > 0; i--) total[parent[i]] += total[i];
    const open = new Map(); /* groups on the way from the root: what calls itself counts once */
    const keys = [], trail = [];
    for (let node = 1; node < nodes; node++) {
      while (trail.length && depth[trail[trail.length - 1]] >= depth[node]) {
        const gone = keys[trail.pop()];
        open.set(gone, open.get(gone) - 1);
      }
      const key = keys[node] = groupOf(functionOf[node]);
      let group = groups.get(key);
      if (!group) groups.set(key, group = { key, fn: functionOf[node], value: 0, total: 0, live: 0, came: 0, calls: 0, brief: 0, grown: 0 });
      for (const name of Object.keys(lists)) group[name] += lists[name][node];
      if (!open.get(key)) group.total += total[node];
      open.set(key, (open.get(key) || 0) + 1);
      trail.push(node);
    }
    return { groups: [...groups.values()].filter(g => g.value || g.total || g.live || g.came || g.grown), all: total[0] };
  }
  function drawTable() {
    const { groups, all } = makeGroups(), table = $('table');
    const names = g => state.per === 'function' ? [functions[g.fn].name || '??', functions[g.fn].where] : [g.key || 'no module', ''];
    const found = groups.filter(g => !state.search || matches(functions[g.fn]) || names(g)[0].toLowerCase().includes(state.search));
    const sign = state.ascending ? 1 : -1;
    found.sort((a, b) => state.sort === 'name' ? sign * (names(a)[0] < names(b)[0] ? -1 : names(a)[0] > names(b)[0] ? 1 : 0) : sign * (a[state.sort] - b[state.sort]) || a.fn - b.fn);
    const heading = (key, text) => sortHeading(state, key, text, key === 'name', drawTable);
    const columns = COLUMNS.filter(c => c.key !== state.measure);
    table.tHead.replaceChildren(make('tr', {}, heading('name', state.per), ...(state.per === 'function' ? [make('th', { scope: 'col', class: 'left', text: 'where' })] : []),
      ...columns.map(c => c.sort ? make('th', { scope: 'col', text: c.words() }) : heading(c.key, c.words()))));
    const most = found.reduce((value, g) => Math.max(value, Math.abs(g.value)), 1);
    table.tBodies[0].replaceChildren(...found.slice(0, state.shown).map(g => {
      const [name, where] = names(g), row = make('tr', {}, make('td', { class: 'left code', text: name }));
      if (state.per === 'function') row.append(make('td', { class: 'left code', text: where }));
      if (state.per === 'function' && state.measure === 'grown' && growing.functions.has(g.fn)) row.lastChild.append(make('span', { class: 'count', text: 'still growing' }));
      for (const c of columns) {
        const cell = make('td', { text: c.key === 'share' ? percent(g.value, all) : number(g[c.key]) });
        if (c.key === 'value') {
          const meter = make('i', { 'aria-hidden': 'true' });
          meter.style.width = `${Math.abs(g.value) / most * 100}%`;
          cell.className = 'meter';
          cell.append(meter);
        }
        row.append(cell);
      }
      return row;
    }));
    $('more').hidden = found.length <= state.shown;
    $('more').textContent = `Show ${number(Math.min(500, found.length - state.shown))} more of ${number(found.length)}`;
  }

  /* ---- graph or table ------------------------------------------------------------------------ */
  function showGraph() {
    const isTable = state.view === 'table';
    makeTree();
    const total = tree.total[0], out = $('total');
    let words = `${exact(total, state.unit)}${state.unit === 'bytes' ? ` (${size(total)})` : ''} ${MEASURES[state.measure]} ${spanWords()}.`;
    if (state.search) {
      let part = 0;
      const walk = [[0, false]];
      while (walk.length) {
        const [node, inside] = walk.pop();
        const is = inside || nodeMatches(node);
        if (is && !inside) part += tree.total[node];
        if (!is) for (let i = tree.child[node]; i >= 0; i = tree.next[i]) walk.push([i, false]);
      }
      words += ` ${exact(part, state.unit)} (${percent(part, total) || '0 %'}) under “${$('search').value}”.`;
      out.dataset.found = part;
    }
    out.textContent = words;
    out.dataset.value = total;
    $('graph-title').textContent = TITLES[state.measure];
    $('graph-part').hidden = isTable;
    $('table-part').hidden = !isTable;
    for (const label of document.querySelectorAll('.of-graph')) label.hidden = isTable;
    for (const label of document.querySelectorAll('.of-table')) label.hidden = !isTable;
    for (const button of document.querySelectorAll('[data-view]')) button.setAttribute('aria-pressed', button.dataset.view === state.view);
    if (isTable) drawTable();
    else { drawGraph(); drawLegend(); }
  }

  /* ---- findings, layers, processes, capture -------------------------------------------------- */
  const stateWords = p => p.end_kind === 1 ? `exited with ${p.exit_status}` : p.end_kind === 2 ? p.signal ? `killed by signal ${p.signal}` : 'killed or vanished' : p.end_kind === 3 || p.end_kind === 4 ? 'executed another program' : p.end_ns === null ? 'still ran' : 'ended';
  const processName = id => (data.processes.find(p => p.id === id) || { name: `#${id}` }).name;
  /* Most headlines name the line themselves. */
  const namesPlace = f => (f.headline || '').includes(f.place.split(' ').pop());
  function fillFindings() {
    const panel = $('panel-findings');
    if (!data.findings.length) { panel.append(make('div', { class: 'card' }, make('p', { text: 'Nothing was found in this capture.' }))); return; }
    $('tab-findings').append(make('span', { class: 'count', text: number(data.findings_count) }));
    panel.append(make('h2', { text: plural(data.findings_count, 'finding', 'findings') }));
    for (const f of data.findings) {
      const code = f.code ? `HKM-${f.code}` : f.kind;
      const details = make('details', { class: 'finding' }, make('summary', {}, make('span', { class: 'code', text: code }), f.headline || f.name, f.place && !namesPlace(f) ? make('span', { class: 'help', text: `  ${f.place}` }) : ''));
      details.append(make('p', { class: 'help', text: `${f.ns ? `At ${time(f.ns)}` : 'At the end'}${f.event ? `, event ${number(f.event)}` : ''}, in ${processName(f.process)}.${f.kind === 'leak' ? ` ${exact(f.bytes, 'bytes')} in ${plural(f.blocks, 'block', 'blocks')}.` : ''}` }));
      if (f.meaning) details.append(make('p', { text: f.meaning }));
      if (f.report) details.append(make('pre', { tabindex: '0', 'aria-label': `Report of ${code}`, role: 'region', text: f.report }));
      if (f.advice) details.append(make('p', { text: f.advice }));
      panel.append(details);
    }
    if (data.findings_count > data.findings.length) panel.append(make('p', { text: `${number(data.findings_count - data.findings.length)} more are in the capture: hakmem-trace faults.` }));
  }

  const STATES = ['HOT', 'DRAINING', 'FREE', 'reserve'];
  const STATE_WORDS = { HOT: 'more than a quarter in use', DRAINING: 'a quarter or less in use, blocks are taken from here last', FREE: 'nothing in use, unmapped soon', reserve: 'mapped, ready for the next need' };
  const keysOf = names => make('ul', { class: 'keys' }, ...names.map((name, i) => make('li', { title: STATE_WORDS[name] }, make('span', { class: `swatch s${i}`, 'aria-hidden': 'true' }), `${name}: ${STATE_WORDS[name]}`)));
  /* How many SuperSlabs are in which tier, as columns over time. */
  function drawTiers(over) {
    const svg = shape('svg', { class: 'picture', viewBox: '0 0 1000 160', preserveAspectRatio: 'none', role: 'img', 'aria-label': 'SuperSlabs in each tier over time; the table below has the numbers' });
    svg.setAttribute('height', 160);
    svg.setAttribute('shape-rendering', 'crispEdges');
    const most = Math.max(1, ...over.map(one => sumOf(STATES.map(s => one.superslabs[s] || 0))));
    const end = data.to_ns || 1;
    over.forEach((one, i) => {
      let top = 158;
      const left = one.from_ns / end * 1000, right = (i + 1 < over.length ? over[i + 1].from_ns : end) / end * 1000;
      STATES.forEach((name, s) => {
        const high = (one.superslabs[name] || 0) / most * 150;
        if (!high) return;
        const bar = shape('rect', { class: `s${s}`, x: left, width: Math.max(.5, right - left), y: top -= high, height: high }), title = shape('title', {});
        title.textContent = `${name}: ${number(one.superslabs[name])} of ${number(sumOf(STATES.map(of => one.superslabs[of] || 0)))}; ${STATE_WORDS[name]}`;
        bar.append(title);
        svg.append(bar);
      });
    });
    return svg;
  }
  function drawLives(lives) {
    const end = data.to_ns || 1, box = make('div', { role: 'img', 'aria-label': 'Each SuperSlab from its mapping to its end, with the shares of its tiers; the table below has the numbers' });
    for (const life of lives.slice(0, 200)) {
      const process = data.processes.find(p => p.id === life.process), from = Math.min(end, life.mapped_ns || (process ? process.start_ns : 0));
      const to = Math.min(end, life.unmapped_ns || (process && process.end_ns) || end), bar = make('b', {}), all = sumOf(STATES.map(s => life.ns_in[s] || 0)) || 1;
      bar.style.left = `${limit(from / end, 0, 1) * 100}%`;
      bar.style.width = `${Math.max(.3, limit((to - from) / end, 0, 1) * 100)}%`;
      let left = 0;
      STATES.forEach((name, s) => {
        const part = make('i', { class: `s${s}` });
        part.style.left = `${left}%`;
        part.style.width = `${(life.ns_in[name] || 0) / all * 100}%`;
        left += (life.ns_in[name] || 0) / all * 100;
        bar.append(part);
      });
      box.append(make('div', { class: 'life' }, make('span', { class: 'code', text: life.address }), make('div', {}, bar)));
    }
    return box;
  }
  const fold = (words, ...inside) => make('details', { class: 'fallback' }, make('summary', { text: words }), make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': words }, ...inside));
  function fillLayers() {
    const panel = $('panel-layers'), layers = data.layers;
    if (!layers) { panel.append(make('div', { class: 'card' }, make('p', { text: data.layers_left_out ? `Layers are counted out of all events; of a log of ${number(data.events)} the page leaves them out. hakmem-trace layers counts them.` : 'The program kept its own allocator in this capture: there are no layers.' }))); return; }
    const card = (title, ...inside) => make('div', { class: 'card' }, make('h2', { text: title }), ...inside);
    const columns = make('div', { class: 'columns' });
    columns.append(card('Who served', make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Who served' },
      plainTable('Mallocs that came to each layer, and those it served', ['layer', 'served', 'of those that came to it', 'share'], layers.hits.map(h => [h.layer, number(h.hits), number(h.asked), percent(h.hits, h.asked)]), [0]))));
    if (layers.stages) columns.append(card('Where slabs came from', make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Where slabs came from' },
      plainTable('Slabs taken, by where they were found', ['slabs taken', 'stage 1: empty', 'stage 2: unused', 'stage 3: mapped'], [[layers.stages.taken, layers.stages.stage_1, layers.stages.stage_2, layers.stages.stage_3].map(number)]))));
    panel.append(columns);
    const over = (layers.over || []).filter(one => sumOf(STATES.map(s => one.superslabs[s] || 0)) > 0), lives = (layers.changes && layers.changes.superslabs) || [];
    if (over.length) panel.append(card('SuperSlabs over time', keysOf(STATES), drawTiers(over), fold('SuperSlabs over time as a table',
      plainTable('SuperSlabs in each tier at the end of each part of the time', ['up to', ...STATES], over.map(one => [time(Math.min(one.to_ns, data.to_ns)), ...STATES.map(s => number(one.superslabs[s] || 0))])))));
    if (lives.length) panel.append(card('Each SuperSlab', make('p', { class: 'help', text: `${plural(lives.length, 'SuperSlab', 'SuperSlabs')}, ${layers.changes.at_most_at_once} at once at most. A bar is its time; the colours are how much of it was spent in each tier.${lives.length > 200 ? ' The first 200 are drawn.' : ''}` }), keysOf(STATES), drawLives(lives),
      fold('Each SuperSlab as a table', plainTable('SuperSlabs', ['address', 'process', 'mapped', 'unmapped', 'slabs', ...STATES], lives.slice(0, 1000).map(l => [l.address, processName(l.process), l.mapped_ns === null ? 'inherited' : time(l.mapped_ns), l.unmapped_ns === null ? '' : time(l.unmapped_ns), number(l.slabs), ...STATES.map(s => l.ns_in[s] ? time(l.ns_in[s]) : '')]), [0, 1]))));
    panel.append(card('Size classes', make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Size classes' },
      plainTable('Mallocs of each size class', ['class', 'slot bytes', 'mallocs'], layers.classes.map(c => [c.class || 'large', c.slot_bytes === null ? '' : number(c.slot_bytes), number(c.mallocs)]), [0]))));
  }
  function fillProcesses() {
    const rows = data.processes.map(p => [p.name, p.parent ? processName(p.parent) : '', time(p.start_ns), p.end_ns === null ? '' : time(p.end_ns), stateWords(p), number(p.peak_bytes), p.peak_ns === null ? '' : time(p.peak_ns), number(p.held_bytes), number(p.held_blocks), p.command_line]);
    $('panel-processes').append(make('div', { class: 'card' }, make('h2', { text: plural(data.processes.length, 'process', 'processes') }), make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Processes' },
      plainTable('Processes of the capture', ['process', 'parent', 'from', 'to', 'end', 'peak bytes', 'at', 'held at its end', 'blocks', 'command line'], rows, [0, 1, 4, 9]))));
    const ids = [...new Set(rowProcess)].sort((a, b) => a - b);
    if (ids.length > 1) {
      $('process').append(make('option', { value: '0', text: 'all together' }), ...ids.map(id => make('option', { value: id, text: processName(id) })));
      $('process-label').hidden = false;
    }
  }
  function fillCapture() {
    const list = make('dl', { class: 'plain' }), c = data.completeness;
    const add = (name, text) => { if (text) list.append(make('dt', { text: name }), make('dd', { text })); };
    add('Capture', data.store);
    add('Command line', data.command_line);
    add('Recorded', data.started);
    add('Level', data.check);
    add('Only process', data.only_process);
    add('Events', number(data.events));
    add('Threads', number(data.threads));
    add('Time', `${time(data.from_ns)} to ${time(data.to_ns)}`);
    add('Steps of the timeline', number(steps));
    add('Stacks', number(nodes - 1));
    add('Functions', number(functions.length));
    add('Freed, never seen to be allocated', data.unknown_blocks ? `${data.unknown_bytes ? `${exact(data.unknown_bytes, 'bytes')} in ` : ''}${plural(data.unknown_blocks, 'block', 'blocks')}; in no number of this page` : '');
    add('Marks', data.marks.map(m => `${m.name} (${time(m.ns)})`).join(', '));
    add('Completeness', c.sentence);
    add('Made by', `hakmem ${data.version}`);
    $('panel-capture').append(make('div', { class: 'card' }, make('h2', { text: 'This capture' }), list), make('div', { class: 'card' }, make('h2', { text: 'What the numbers are' }),
      make('p', { text: 'Bytes are those that the program asked for. A block belongs to the stack that allocated it. Short-lived is a block that was freed before its thread allocated the next one. Grown is what is live at the end of a span less what was live at its begin. A moment is the end of a step of the timeline: all that the log says up to its event has happened. Every total is exact.' })));
  }
  function fillHead() {
    const words = data.command_line.split(' ');
    words[0] = words[0].split('/').pop();
    $('program').textContent = words.join(' ').slice(0, 120) || data.store;
    document.title = `${words[0] || data.store} - heap`;
    $('about').textContent = [data.store, data.started, `${number(data.events)} events of ${plural(data.processes.length, 'process', 'processes')}`, data.only_process && `only process ${data.only_process}`].filter(Boolean).join('  ·  ');
    const c = data.completeness;
    if (c.lost_events || c.trimmed_events || c.being_written || c.ended_early || c.stops || c.unseen_ends) { $('note').textContent = c.sentence; $('note').hidden = false; }
    const came = PICKS.bytes.came, all = { came: 0, blocks: 0, brief: 0 };
    for (let k = 0; k < change.count; k++) { all.came += came(k); all.blocks += change.cameBlocks[k]; all.brief += change.briefBlocks[k]; }
    const held = sumOf(addUp(-1, steps - 1, PICKS.bytes.held, new Float64Array(nodes)));
    const fact = (value, text) => make('li', {}, make('b', { text: value }), make('span', { text }));
    $('facts').append(fact(size(data.peak_bytes), data.peak_ns ? `at the peak, ${time(data.peak_ns)}` : 'at the peak'), fact(size(all.came), `in ${plural(all.blocks, 'allocation', 'allocations')}`),
      fact(percent(all.brief, all.blocks) || '0 %', 'of them short-lived'), fact(size(held), 'held at the end'), fact(time(data.to_ns), 'recorded'), fact(number(data.findings_count), data.findings_count === 1 ? 'finding' : 'findings'));
  }

  /* ---- the page ------------------------------------------------------------------------------ */
  const tabs = [...$('tabs').children];
  function showPanel(name, moveFocus) {
    state.panel = name;
    for (const tab of tabs) {
      const is = tab.id === `tab-${name}`;
      tab.setAttribute('aria-selected', is);
      tab.tabIndex = is ? 0 : -1;
      $(tab.getAttribute('aria-controls')).hidden = !is;
      if (is && moveFocus) tab.focus();
    }
    if (name === 'heap') { drawTimeline(); placeHandles(); showGraph(); }
  }
  tabs.forEach((tab, i) => {
    tab.addEventListener('click', () => showPanel(tab.id.slice(4), false));
    tab.addEventListener('keydown', event => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      showPanel(tabs[(to + tabs.length) % tabs.length].id.slice(4), true);
    });
  });

  for (const id of ['measure', 'unit', 'order', 'colour', 'per']) {
    $(id).value = state[id];
    $(id).addEventListener('change', () => {
      state[id] = $(id).value;
      state.zoom = id === 'order' ? null : state.zoom;
      state.frame = null;
      if (id === 'measure' && state.measure === 'grown' && !state.isSpan) choose(growing.from, growing.to, true); /* between start-up and teardown */
      else showGraph();
    });
  }
  $('process').addEventListener('change', () => { state.process = Number($('process').value); makeCurve(); makeBands(); drawTimeline(); placeHandles(); drawTimelineTable(); showGraph(); });
  for (const button of document.querySelectorAll('[data-view]')) button.addEventListener('click', () => { state.view = button.dataset.view; showGraph(); });
  $('search').addEventListener('input', () => drawLater('search', () => { state.search = $('search').value.trim().toLowerCase(); showGraph(); }, 80));
  $('more').addEventListener('click', () => { state.shown += 500; drawTable(); });
  $('go-peak').addEventListener('click', () => choose(-1, peakStep(), false));
  $('go-end').addEventListener('click', () => choose(-1, steps - 1, false));
  $('go-all').addEventListener('click', () => { if (state.measure === 'live') state.measure = $('measure').value = 'came'; choose(-1, steps - 1, true); });
  $('by-function').addEventListener('click', () => { state.isByFunction = !state.isByFunction; drawTimeline(); });
  $('show-rss').addEventListener('click', () => { state.showsRss = !state.showsRss; drawTimeline(); placeHandles(); });
  $('is-span').addEventListener('click', () => choose(state.isSpan ? -1 : Math.max(-1, state.to - Math.max(1, Math.round(steps / 4))), state.to, !state.isSpan));
  $('timeline').addEventListener('pointerdown', dragPlot);
  for (const id of ['from', 'to']) { $(id).addEventListener('pointerdown', dragHandle); $(id).addEventListener('keydown', handleKeys); }
  $('graph').addEventListener('keydown', graphKeys);
  $('graph').addEventListener('click', event => { const frame = event.target.frameOf; if (frame) zoomTo(pathOf(frame.node)); });
  $('graph').addEventListener('mouseover', event => { const frame = event.target.frameOf; if (frame) describe(frame.node); });
  $('graph').addEventListener('mouseleave', () => describe(nodeAt(state.frame)));
  $('graph').addEventListener('focusin', event => { const frame = event.target.frameOf; if (frame) describe(frame.node); });
  document.addEventListener('keydown', event => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.nodeName);
    if (event.key === '/' && !isTyping && state.panel === 'heap') { event.preventDefault(); $('search').focus(); }
    if (event.key === 'Escape' && event.target.id === 'search') { $('search').value = ''; state.search = ''; showGraph(); }
  });
  addEventListener('resize', () => drawLater('size', () => { if (state.panel === 'heap') { drawTimeline(); showGraph(); } }, 60));

  startTheme();
  chooseHues();
  const first = [...hueOf.keys()][0], inFirst = functionOf.reduce((count, fn, node) => count + (node > 0 && functions[fn].module === first), 0);
  if (inFirst > .8 * (nodes - 1)) state.colour = $('colour').value = 'function'; /* one colour says nothing */
  makeCurve();
  makeBands();
  fillHead();
  fillFindings();
  fillLayers();
  fillProcesses();
  fillCapture();
  drawTimeline();
  drawTimelineTable();
  choose(-1, steps ? Math.max(0, peakStep()) : -1, false); /* which draws, and is ready then */
