/* The page of `hakmem-trace html`: the data as pictures and tables. Format of the data: docs/specs/html.md.
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

  /* A key names a frame: below functions.length a function, above it a function and a line of it. */
  const keyFn = functions.map((_, fn) => fn), keyLine = functions.map(() => 0);
  const FOLDED = 1, STAND_IN = 2; /* a frame of a library, start-up code, a wrapper; what stands for such frames while they are folded */
  const placeKey = [], placeShown = [];
  for (let r = reader(data.places), keys = new Map(); r.more();) {
    const word = r.next(), fn = Math.floor(word / 4), line = r.next(), name = `${fn} ${line}`;
    if (line && !keys.has(name)) { keys.set(name, keyFn.length); keyFn.push(fn); keyLine.push(line); }
    placeKey.push(line ? keys.get(name) : fn);
    placeShown.push(word % 4);
  }

  /* All that the capture has: every frame, with its line. Node 0 is the root; what follows a node belongs to it as long as it is deeper. */
  const fullParent = [0], fullPlace = [-1];
  for (let r = reader(data.tree); r.more();) {
    fullParent.push(fullParent.length - r.next());
    fullPlace.push(r.next());
  }
  const foldedFrames = fullPlace.reduce((count, place) => count + (placeShown[place] === FOLDED), 0);

  const fullRowNode = [], rowProcess = [];
  for (let r = reader(data.rows), node = 0; r.more();) { node += r.next(); fullRowNode.push(node); rowProcess.push(r.next()); }

  /* Finds a node of `t` by its parent and key: a hash table of node numbers. */
  function childIndex(t, room) {
    let table, mask, count = 0;
    const slotOf = (above, key) => {
      const mixed = Math.imul(above, 0x9E3779B1) + Math.imul(key, 0x85EBCA6B);
      let at = (mixed ^ mixed >>> 15) & mask;
      while (table[at] && (t.parent[table[at]] !== above || t.key[table[at]] !== key)) at = at + 1 & mask;
      return at;
    };
    const resize = size => {
      const old = table || [];
      table = new Int32Array(size);
      mask = size - 1;
      for (const node of old) if (node) table[slotOf(t.parent[node], t.key[node])] = node;
    };
    resize(2 ** Math.ceil(Math.log2(2 * room + 16)));
    return {
      find: (above, key) => table[slotOf(above, key)], /* 0 = it has none */
      add: node => {
        if (2 * ++count > mask) resize(2 * (mask + 1));
        table[slotOf(t.parent[node], t.key[node])] = node;
      },
    };
  }
  /* The tree as it is shown: with or without what is folded, frames of one function together or by line. `nodeOf` has of each node of the full tree the one that it goes into. */
  const shapes = new Map();
  function shapeOf(hasLibraries, hasLines) {
    const name = `${hasLibraries} ${hasLines}`;
    if (!shapes.has(name)) shapes.set(name, makeShape(hasLibraries ? STAND_IN : FOLDED, hasLines));
    return shapes.get(name);
  }
  function makeShape(leftOut, hasLines) {
    const room = fullParent.length, nodeOf = new Int32Array(room), folded = new Uint8Array(room), first = new Int32Array(room), next = new Int32Array(room);
    const merged = { parent: new Int32Array(room), key: new Int32Array(room) }, children = childIndex(merged, room >> 2); /* 0 in first and next = none */
    let count = 1;
    for (let full = 1; full < room; full++) {
      const into = nodeOf[fullParent[full]], place = fullPlace[full];
      nodeOf[full] = into;
      if (placeShown[place] === leftOut) continue;
      const key = hasLines ? placeKey[place] : keyFn[placeKey[place]];
      const newest = first[into]; /* of most nodes the only child: the index has those of the others */
      let node = !newest || merged.key[newest] === key ? newest : next[newest] ? children.find(into, key) : 0;
      if (!node) {
        node = count++;
        merged.parent[node] = into;
        merged.key[node] = key;
        if (newest && !next[newest]) children.add(newest);
        if (newest) children.add(node);
        folded[node] = placeShown[place] === FOLDED ? 1 : 0;
        next[node] = first[into];
        first[into] = node;
      }
      nodeOf[full] = node;
    }
    /* Numbered so that all below a node follows it. */
    const place = new Int32Array(count), shape = { nodes: count, parent: new Int32Array(count), key: new Int32Array(count).fill(-1), depth: new Int32Array(count), isFolded: new Uint8Array(count) };
    for (let node = first[0], at = 1; node > 0;) {
      place[node] = at;
      shape.parent[at] = place[merged.parent[node]];
      shape.key[at] = merged.key[node];
      shape.isFolded[at] = folded[node];
      shape.depth[at] = shape.depth[shape.parent[at]] + 1;
      at++;
      if (first[node]) { node = first[node]; continue; }
      while (node && !next[node]) node = merged.parent[node];
      node = next[node];
    }
    shape.nodeOf = nodeOf.map(node => place[node]);
    shape.rowNode = Int32Array.from(fullRowNode, full => shape.nodeOf[full]);
    return shape;
  }
  /* The shape at hand. */
  let shown, nodes, parent, keyOf, depth;
  function useShape(next) {
    shown = next;
    ({ nodes, parent, key: keyOf, depth } = next);
  }
  useShape(shapeOf(false, false)); /* in which who allocated is the same as in `top` */

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

  /* State of the view. Moment -1 is before everything, moment i after step i. */
  const state = { from: -1, to: steps - 1, isSpan: false, isByFunction: true, showsRss: false, view: 'icicle', measure: 'live', unit: 'bytes', order: 'down', lines: 'function', hasLibraries: false, colour: 'module', colourBefore: null, per: 'function', process: 0,
    search: '', fn: -1, trail: [], zoom: null, sort: 'value', ascending: false, shown: 100, frame: null, panel: 'heap' };

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
    const folded = shapeOf(false, false), live = addUp(-1, Math.max(0, peakStep()), PICKS.bytes.live, folded), held = new Map();
    for (let node = 1; node < folded.nodes; node++) if (live[node] > 0) held.set(folded.key[node], (held.get(folded.key[node]) || 0) + live[node]);
    const most = [...held].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, BANDS).map(([fn]) => fn);
    if (most.length < 2) { bands = []; return; }
    const placeOf = new Map(most.map((fn, i) => [fn, i])), bytes = new Float64Array(most.length + 1);
    bands = [...most, -1].map(fn => ({ fn, bytes: new Float64Array(steps) }));
    for (let i = 0; i < steps; i++) {
      for (let k = step[i].first; k < endOf(i); k++) {
        const row = change.row[k], place = placeOf.get(folded.key[folded.rowNode[row]]);
        if (!state.process || rowProcess[row] === state.process) bytes[place === undefined ? most.length : place] += PICKS.bytes.live(k);
      }
      bands.forEach((band, place) => { band.bytes[i] = Math.max(0, bytes[place]); });
    }
  }

  /* The sums that rows got in steps (from, to], by node, as `pick` has it. */
  function addUp(from, to, pick, of = shown) {
    const out = new Float64Array(of.nodes), { rowNode } = of;
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
  /* The span of the colours; of a moment: the one between start-up and teardown. */
  const growthSpan = () => state.isSpan || state.measure === 'grown' ? [begin(), state.to] : [growing.from, growing.to];
  /* Each node's own value of a measure. */
  function selfOf(measure, unit) {
    const pick = PICKS[unit];
    if (measure === 'live') return addUp(-1, state.to, pick.live);
    if (measure === 'held') return addUp(-1, steps - 1, pick.held);
    if (measure === 'grown') return addUp(begin(), state.to, pick.live);
    return addUp(begin(), state.to, pick[measure]);
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
  /* The resident memory of all processes then; undefined where nobody measured it. */
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
      words = `From ${momentWords(state.from)} to ${momentWords(state.to)}: ${size(was.bytes)} to ${size(at.bytes)} live, ${at.bytes < was.bytes ? 'shrunk' : 'grown'} by ${number(Math.abs(at.bytes - was.bytes))} bytes, ${plural(Math.abs(at.blocks - was.blocks), 'block', 'blocks')} ${at.blocks < was.blocks ? 'fewer' : 'more'}.`;
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
      else if (moved && !wasSpan && state.measure === 'live') { state.measure = $('measure').value = 'grown'; followMeasure('live'); }
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
  /* {parent, key, isFolded, and of each measure what a node has itself: self, others (in the other unit), growth; with all below it: total, otherTotal, grown,
     weight; first child, next sibling} as arrays; node 0 is the root. */
  let tree;
  const OWN = ['self', 'others', 'growth'];
  const emptyTree = () => ({ count: 1, parent: [0], key: [-1], isFolded: [0], self: [0], others: [0], growth: [0] });
  /* The child of `above` with this key, of a tree that grows; `children` has those that are there. */
  function childOf(t, children, above, key, isFolded) {
    let child = children.find(above, key);
    if (!child) {
      child = t.count++;
      t.parent.push(above);
      t.key.push(key);
      children.add(child);
      t.isFolded.push(isFolded);
      for (const one of OWN) t[one].push(0);
    }
    return child;
  }
  function downTree(own) {
    return { count: nodes, parent, key: keyOf, isFolded: shown.isFolded, ...own };
  }
  /* The tree from the allocating functions to their callers: each node with something of its own gives it to its path. */
  function upTree(own) {
    const up = emptyTree(), children = childIndex(up, 0);
    for (let node = 1; node < nodes; node++) {
      if (!own.self[node] && !own.others[node] && !own.growth[node]) continue;
      let at = 0;
      for (let below = node; below; below = parent[below]) at = childOf(up, children, at, keyOf[below], shown.isFolded[below]);
      for (const one of OWN) up[one][at] += own[one][node];
    }
    return up;
  }
  /* Adds each node's own to those above it. */
  function addTotals(t) {
    const total = t.total = Float64Array.from(t.self), otherTotal = t.otherTotal = Float64Array.from(t.others), grown = t.grown = Float64Array.from(t.growth);
    const weight = t.weight = state.measure === 'grown' ? Float64Array.from(t.self, Math.abs) : Float64Array.from(t.self);
    for (let i = t.count - 1; i > 0; i--) {
      const above = t.parent[i];
      if (t.key[i] < 0 && !above) continue; /* a caller: its amount is that of the callees */
      total[above] += total[i];
      otherTotal[above] += otherTotal[i];
      grown[above] += grown[i];
      weight[above] += weight[i];
    }
    return t;
  }
  function linkChildren(t) {
    t.child = new Int32Array(t.count).fill(-1);
    t.next = new Int32Array(t.count).fill(-1);
    for (let i = t.count - 1; i > 0; i--) if (t.weight[i] > 0) { t.next[i] = t.child[t.parent[i]]; t.child[t.parent[i]] = i; }
    return t;
  }
  function makeTree() {
    const self = selfOf(state.measure, state.unit);
    const own = { self, others: selfOf(state.measure, state.unit === 'bytes' ? 'blocks' : 'bytes'), growth: state.measure === 'grown' ? self : addUp(...growthSpan(), PICKS[state.unit].live) };
    tree = linkChildren(addTotals(state.order === 'up' && state.view !== 'sandwich' ? upTree(own) : downTree(own)));
  }
  /* Of the tree from main on the callees of one function, which is the root, and its callers, whose keys are below 0 (-1 - key): node 0 is the outermost call of
     it, so that what calls itself counts once. */
  const isCaller = node => node > 0 && tree.key[node] < 0;
  function makeSandwich(down, fn) {
    const t = emptyTree(), children = childIndex(t, 0), at = new Int32Array(down.count), callers = new Map();
    let outermost = -1;
    t.key[0] = fn;
    for (let node = 1; node < down.count; node++) {
      if (outermost >= 0 && depth[node] <= depth[outermost]) outermost = -1;
      if (!down.weight[node] && !down.otherTotal[node] && !down.grown[node]) continue; /* nor has what is below it */
      if (outermost >= 0) at[node] = childOf(t, children, at[down.parent[node]], down.key[node], down.isFolded[node]);
      else if (keyFn[down.key[node]] === fn) {
        outermost = node;
        t.isFolded[0] = down.isFolded[node];
        let caller = 0;
        for (let above = down.parent[node]; above; above = down.parent[above]) caller = childOf(t, children, caller, -1 - down.key[above], down.isFolded[above]);
        if (caller) {
          const sums = callers.get(caller) || { total: 0, otherTotal: 0, grown: 0, weight: 0 };
          for (const one of Object.keys(sums)) sums[one] += down[one][node];
          callers.set(caller, sums);
        }
      } else continue;
      for (const one of OWN) t[one][at[node]] += down[one][node];
    }
    addTotals(t);
    for (const [caller, sums] of callers) for (let i = caller; i; i = t.parent[i]) for (const one of Object.keys(sums)) t[one][i] += sums[one];
    return linkChildren(t);
  }
  function childrenOf(node) {
    const list = [];
    for (let i = tree.child[node]; i >= 0; i = tree.next[i]) list.push(i);
    return list.sort((a, b) => tree.weight[b] - tree.weight[a] || a - b);
  }
  const keyAt = node => tree.key[node] < -1 || isCaller(node) ? -1 - tree.key[node] : tree.key[node];
  const fnOf = node => keyFn[keyAt(node)];
  const isAll = node => !node && tree.key[0] < 0;
  const lineOf = key => { const line = keyLine[key]; return line && functions[keyFn[key]].file ? `${functions[keyFn[key]].file}:${line}` : ''; };
  const nameOfKey = key => { const name = functions[keyFn[key]].name || '??'; return lineOf(key) ? `${name} ${lineOf(key).split('/').pop()}` : name; };
  const whereOfKey = key => lineOf(key) || functions[keyFn[key]].where;
  const nameOf = node => isAll(node) ? 'all' : nameOfKey(keyAt(node));
  const pathOf = node => { const path = []; for (let i = node; i; i = tree.parent[i]) path.unshift(tree.key[i]); return path; };
  const nodeAt = path => {
    let node = 0;
    for (const key of path || []) {
      let found = -1;
      for (let i = tree.child[node]; i >= 0 && found < 0; i = tree.next[i]) if (tree.key[i] === key) found = i;
      if (found < 0) break;
      node = found;
    }
    return node;
  };

  /* ---- colours ------------------------------------------------------------------------------- */
  const HUES = [212, 28, 152, 282, 48, 340, 184, 98, 8, 250, 316, 128];
  let hueOf = new Map();
  function chooseHues() {
    const byModule = new Map(), { key, nodes: count } = shapeOf(false, false);
    for (let node = 1; node < count; node++) {
      const module = functions[keyFn[key[node]]].module;
      byModule.set(module, (byModule.get(module) || 0) + 1);
    }
    const modules = [...byModule].sort((a, b) => b[1] - a[1]).map(([module]) => module);
    for (const fn of functions) if (!byModule.has(fn.module)) { byModule.set(fn.module, 0); modules.push(fn.module); } /* of folded frames alone */
    hueOf = new Map(modules.map((module, i) => [module, HUES[i % HUES.length]]));
  }
  /* The new share of a frame's memory; below 0: the share that is gone. */
  const growthShare = node => limit(tree.grown[node] / (tree.weight[node] || 1), -1, 1);
  function paint(element, node) {
    if (isAll(node)) { element.classList.add('plain'); return; }
    const fn = fnOf(node);
    if (state.colour === 'module') { /* a little apart, so that neighbours can be told */
      element.style.setProperty('--h', hueOf.get(functions[fn].module) + fn * 7 % 31 - 15);
    } else if (state.colour === 'function') {
      element.style.setProperty('--h', fn * 137.5 % 360);
    } else {
      const share = growthShare(node);
      element.classList.add(share > 0 ? 'is-grown' : share < 0 ? 'is-shrunk' : 'is-even');
      element.style.setProperty('--share', `${Math.round(share ? 20 + 80 * Math.abs(share) : 0)}%`);
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
      items.push(make('li', {}, 'all of it gone', make('span', { class: 'scale', 'aria-hidden': 'true' }), 'all of it new'),
        make('li', { text: `blue shrank, orange grew, from ${growthSpan().map(momentWords).join(' to ')}; the stronger, the greater the share of the frame. Grey did neither.` }));
    } else {
      const seen = new Set(), modules = [];
      for (const node of frameOf.keys()) if (!isAll(node)) seen.add(functions[fnOf(node)].module);
      for (const [module, hue] of hueOf) if (seen.has(module)) modules.push([module, hue]);
      modules.slice(0, 10).forEach(([module, hue]) => add(hue, module || 'no module'));
      if (modules.length > 10) items.push(make('li', { text: `and ${modules.length - 10} more` }));
    }
    if (state.hasLibraries && foldedFrames) items.push(make('li', {}, make('i', { text: 'slanted' }), 'libraries, start-up code, wrappers'));
    $('legend').replaceChildren(...items);
  }

  /* ---- the graph ----------------------------------------------------------------------------- */
  const ROW = 21, GAP = 6;
  const matches = fn => state.search !== '' && [fn.name, fn.file, fn.module, fn.where].some(text => text.toLowerCase().includes(state.search));
  const nodeMatches = node => !isAll(node) && (matches(functions[fnOf(node)]) || lineOf(keyAt(node)).toLowerCase().includes(state.search) && state.search !== '');
  const signed = (value, words) => `${value > 0 ? '+' : ''}${words(value)}`;
  const saysGrowth = node => state.colour === 'growth' && tree.grown[node] !== 0 && node > 0, growthWords = node => ` ${signed(tree.grown[node], value => amount(value, state.unit))}`;
  /* For screen readers; it begins with what is seen. */
  function frameWords(node) {
    const grown = saysGrowth(node) ? `, ${tree.grown[node] > 0 ? 'grown' : 'shrunk'}` : '';
    return `${nameOf(node)}${saysGrowth(node) ? growthWords(node) : ''}, ${amount(tree.total[node], state.unit)}, ${percent(tree.weight[node], allWeight)}${grown}${isCaller(node) ? ', caller' : ''}`;
  }
  function frameLabel(node) {
    if (isAll(node)) return `all: ${amount(tree.total[0], state.unit)}`;
    if (state.view === 'sandwich' && !node) return `${nameOf(node)}: ${amount(tree.total[0], state.unit)}`;
    return saysGrowth(node) ? `${nameOf(node)}${growthWords(node)}` : nameOf(node);
  }
  /* Rows of frames from `top` on, `path` leads to it. Callers stand on the levels below 0. */
  function layOut(zoom, width) {
    const least = isDragging ? 3 : 1, frames = [], path = [];
    for (let i = zoom; ; i = tree.parent[i]) { path.unshift(i); if (!i) break; }
    path.forEach((node, level) => frames.push({ node, level, left: 0, width }));
    const grow = (isOfCallers, step) => {
      let now = [{ node: zoom, left: 0, width }];
      for (let level = step * path.length; now.length && Math.abs(level) < 1200; level += step) {
        const below = [];
        for (const above of now) {
          let left = above.left;
          for (const node of childrenOf(above.node)) {
            if (isCaller(node) !== isOfCallers) continue;
            const wide = tree.weight[node] / tree.weight[above.node] * above.width;
            if (wide >= least) below.push({ node, level, left, width: wide });
            else break; /* the rest is smaller */
            left += wide;
          }
        }
        frames.push(...below);
        now = below;
      }
    };
    grow(false, 1);
    if (state.view === 'sandwich') grow(true, -1);
    return frames;
  }
  let frameOf = new Map(), zoomed = 0;
  function drawGraph() {
    const graph = $('graph'), box = $('graph-box'), width = Math.max(200, box.clientWidth - 2), isSandwich = state.view === 'sandwich';
    const zoom = zoomed = isSandwich ? 0 : nodeAt(state.zoom), frames = layOut(zoom, width);
    const lowest = frames.reduce((least, f) => Math.min(least, f.level), 0), levels = frames.reduce((most, f) => Math.max(most, f.level + 1), 1) - lowest;
    const hadFocus = graph.contains(document.activeElement);
    graph.style.height = `${levels * ROW + (isSandwich ? 2 * GAP : 0)}px`;
    frameOf = new Map();
    const on = nodeAt(state.frame);
    const elements = frames.map(frame => {
      const element = make('div', { class: 'frame', role: 'treeitem', 'aria-level': Math.abs(frame.level) + 1, tabindex: '-1', 'aria-label': frameWords(frame.node) });
      if (frame.width > 24) element.textContent = frameLabel(frame.node);
      element.style.left = `${frame.left}px`;
      element.style.width = `${Math.max(1, frame.width)}px`;
      const row = state.view === 'flame' ? levels - 1 - frame.level : frame.level - lowest;
      element.style.top = `${row * ROW + (isSandwich ? GAP * (1 + Math.sign(frame.level)) : 0)}px`;
      paint(element, frame.node);
      if (tree.isFolded[frame.node]) element.classList.add('is-library');
      if (isSandwich && !frame.node) element.classList.add('is-middle');
      if (state.search && (!isSandwich || frame.node)) element.classList.add(nodeMatches(frame.node) ? 'is-match' : isSandwich ? 'is-other' : 'is-dim');
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
    if (isSandwich && !isDragging) box.scrollTop = Math.max(0, -lowest * ROW - box.clientHeight / 2);
    drawPath(zoom);
    hideTip();
    drawLegend();
    nameChosen();
    describe(current.node);
  }
  /* The way to what is shown: frames that are zoomed into, or functions that were looked at before. */
  function drawPath(zoom) {
    const path = pathOf(zoom), button = (text, onclick) => make('button', { type: 'button', text, onclick });
    const items = state.view === 'sandwich' ? state.trail.map((fn, i) => button(functions[fn].name, () => { state.trail.length = i; lookAt(fn, false); })) :
      [button('all', () => zoomTo([])), ...path.map((key, i) => button(nameOfKey(key), () => zoomTo(path.slice(0, i + 1))))];
    $('path').setAttribute('aria-label', state.view === 'sandwich' ? 'Functions before this one' : 'Zoomed into');
    $('path').replaceChildren(...items.slice(-12));
    $('path').hidden = state.view === 'sandwich' ? !items.length : !path.length;
  }
  function zoomTo(path) {
    state.zoom = path.length ? path : null;
    state.frame = path;
    drawGraph();
  }
  /* The facts of a frame, [name, text] each. */
  function factsOf(node) {
    const items = [], isBytes = state.unit === 'bytes', key = keyAt(node), all = isAll(node);
    const add = (name, text) => { if (text) items.push([name, text]); };
    const words = value => `${exact(value, state.unit)}${isBytes && Math.abs(value) >= 1024 ? ` (${size(value)})` : ''}`;
    add('Function', all ? 'all' : functions[keyFn[key]].name || '??');
    if (!all) {
      if (whereOfKey(key) !== functions[keyFn[key]].name) add('Where', whereOfKey(key));
      add('Module', functions[keyFn[key]].module);
      if (!isCaller(node)) add('Itself', `${words(tree.self[node])}${tree.self[node] ? `, ${percent(Math.abs(tree.self[node]), allWeight)}` : ''}`);
    }
    add(all ? 'In all' : isCaller(node) ? `Leads to ${nameOf(0)}` : 'With callees', `${words(tree.total[node])}, ${percent(tree.weight[node], allWeight)} of what is shown` +
      (!node || node === zoomed ? '' : zoomed || state.view === 'sandwich' ? `, ${percent(tree.weight[node], tree.weight[zoomed])} of ${nameOf(zoomed)}` : ''));
    const bytes = isBytes ? tree.total[node] : tree.otherTotal[node], blocks = isBytes ? tree.otherTotal[node] : tree.total[node];
    add(isBytes ? 'Blocks' : 'Bytes', `${isBytes ? number(blocks) : `${number(bytes)} (${size(bytes)})`}${state.measure !== 'grown' && blocks > 0 ? `, ${size(Math.round(bytes / blocks))} each on average` : ''}`);
    if (state.measure !== 'grown' && (state.isSpan || state.colour === 'growth')) add('Grown', `${signed(tree.grown[node], words)}${tree.grown[node] > 0 ? `, ${percent(tree.grown[node], tree.weight[node])} of it` : ''}`);
    return items;
  }
  function describe(node) {
    $('frame').replaceChildren(...factsOf(node).flatMap(([name, text]) => [make('dt', { text: name }), make('dd', { text })]));
  }
  /* The button is for the frame that is chosen, whatever the pointer is on. */
  function nameChosen() {
    const node = nodeAt(state.frame), isNone = !state.frame || isAll(node) || (state.view === 'sandwich' && !node);
    $('to-sandwich').hidden = isNone;
    if (!isNone) $('to-sandwich').textContent = `Callers and callees of ${functions[fnOf(node)].name}`;
  }
  /* The same beside the pointer; screen readers have it in the list below the graph. */
  function showTip(node, event) {
    const tip = $('tip'), margin = 14;
    tip.replaceChildren(...factsOf(node).map(([name, text], i) => make('p', {}, ...(i ? [make('span', { text: `${name} ` })] : []), i ? text : make('b', { text }))));
    tip.hidden = isDragging;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + margin, innerWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${event.clientY + margin + tip.offsetHeight > innerHeight ? Math.max(4, event.clientY - margin - tip.offsetHeight) : event.clientY + margin}px`;
  }
  function hideTip() { $('tip').hidden = true; }
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
    nameChosen();
    describe(node);
  }
  function graphKeys(event) {
    const frame = document.activeElement && document.activeElement.frameOf;
    if (!frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const node = frame.node, isSandwich = state.view === 'sandwich', isUpwards = state.view === 'flame' || isCaller(node);
    const shownOf = (above, isOfCallers) => childrenOf(above).filter(i => frameOf.has(i) && isCaller(i) === isOfCallers);
    const siblings = node ? shownOf(tree.parent[node], isCaller(node)) : [0], at = siblings.indexOf(node);
    const out = () => shownOf(node, isCaller(node))[0], back = () => node ? tree.parent[node] : isSandwich ? shownOf(0, true)[0] : undefined;
    const actions = {
      ArrowUp: () => select(isUpwards ? out() : back(), true), ArrowDown: () => select(isUpwards ? back() : out(), true),
      ArrowLeft: () => select(siblings[at - 1], true), ArrowRight: () => select(siblings[at + 1], true),
      Home: () => select(0, true), Enter: () => openFrame(node), ' ': () => openFrame(node), s: () => { if (!isAll(node)) lookAt(fnOf(node), true); },
      Escape: () => { if (isSandwich) lookBack(); else zoomTo([]); },
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }
  function openFrame(node) {
    if (state.view !== 'sandwich') zoomTo(pathOf(node));
    else if (node) lookAt(fnOf(node), true);
  }

  /* Visits the nodes that are shown, from the root on, each with its name; outermost is one without the same name above it, so that what calls itself counts once. */
  function eachNode(nameFor, visit) {
    const open = new Map(), names = [], trail = [];
    for (let node = 1; node < nodes; node++) {
      while (trail.length && depth[trail[trail.length - 1]] >= depth[node]) {
        const gone = names[trail.pop()];
        open.set(gone, open.get(gone) - 1);
      }
      const name = names[node] = nameFor(node);
      visit(node, name, !open.get(name));
      open.set(name, (open.get(name) || 0) + 1);
      trail.push(node);
    }
  }

  /* ---- one function, its callers above and its callees below ---------------------------------- */
  /* Shows it; the one that was shown is on the way back to it. */
  function lookAt(fn, isFurther) {
    if (isFurther && state.view === 'sandwich' && state.fn >= 0 && state.fn !== fn) state.trail.push(state.fn);
    if (state.view !== 'sandwich') { state.trail = []; state.viewBefore = state.view; }
    state.view = 'sandwich';
    state.fn = fn;
    state.frame = [];
    showGraph();
    if (frameOf.has(0)) frameOf.get(0).element.focus({ preventScroll: true });
  }
  function lookBack() {
    if (state.trail.length) { lookAt(state.trail.pop(), false); return; }
    state.view = state.viewBefore || 'icicle';
    state.frame = null;
    showGraph();
    const current = document.querySelector(state.view === 'table' ? `#table button[data-fn="${state.fn}"]` : '#graph [tabindex="0"]');
    if (current) current.focus();
  }
  /* The functions by the bytes with callees, the most first; of `down`, the tree from main on. */
  function functionTotals(down) {
    const totals = new Map();
    eachNode(node => keyFn[down.key[node]], (node, fn, isOutermost) => { if (isOutermost) totals.set(fn, (totals.get(fn) || 0) + down.weight[node]); });
    return [...totals].filter(([, weight]) => weight > 0).sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([fn]) => fn);
  }
  /* The function that the search or the selected frame names, or the greatest holder. */
  function chooseFunction(down) {
    const all = functionTotals(down), found = state.search ? all.filter(fn => matches(functions[fn])) : [], named = found.filter(fn => functions[fn].name.toLowerCase() === state.search);
    const best = found.length === 1 ? found[0] : named.length === 1 ? named[0] : -1;
    if (best >= 0 && state.searched !== state.search) state.fn = best;
    state.searched = state.search;
    if (!all.includes(state.fn)) {
      const self = new Map();
      for (let node = 1; node < down.count; node++) self.set(keyFn[down.key[node]], (self.get(keyFn[down.key[node]]) || 0) + Math.abs(down.self[node]));
      state.fn = all.reduce((most, fn) => most < 0 || self.get(fn) > self.get(most) ? fn : most, -1);
    }
    $('candidates').hidden = found.length < 2;
    $('candidates').replaceChildren(...found.slice(0, 12).map(fn => make('button', { type: 'button', 'aria-pressed': fn === state.fn, text: functions[fn].name, onclick: () => lookAt(fn, true) })));
  }

  /* ---- the table ----------------------------------------------------------------------------- */
  const isPerFunction = () => state.per === 'function' || state.per === 'line'; /* keys are of lines then */
  const COLUMNS = [
    { key: 'value', words: () => MEASURES[state.measure] }, { key: 'share', words: () => 'share', sort: 'value' }, { key: 'total', words: () => 'with callees' },
    { key: 'live', words: () => 'live' }, { key: 'came', words: () => 'allocated' }, { key: 'calls', words: () => 'calls' }, { key: 'brief', words: () => 'short-lived' }, { key: 'grown', words: () => 'grown' },
  ];
  function groupOf(key) {
    const one = functions[keyFn[key]];
    return isPerFunction() ? key : state.per === 'file' ? one.file || one.module : one.module;
  }
  function makeGroups() {
    const groups = new Map(), unit = state.unit;
    const lists = { value: selfOf(state.measure, unit), live: addUp(-1, state.to, PICKS[unit].live), came: selfOf('came', unit), calls: selfOf('came', 'blocks'), brief: selfOf('brief', unit), grown: selfOf('grown', unit) };
    const total = Float64Array.from(lists.value);
    for (let i = nodes - 1; i > 0; i--) total[parent[i]] += total[i];
    eachNode(node => groupOf(keyOf[node]), (node, key, isOutermost) => {
      let group = groups.get(key);
      if (!group) groups.set(key, group = { key, fn: keyFn[keyOf[node]], value: 0, total: 0, live: 0, came: 0, calls: 0, brief: 0, grown: 0 });
      for (const name of Object.keys(lists)) group[name] += lists[name][node];
      if (isOutermost) group.total += total[node];
    });
    return { groups: [...groups.values()].filter(g => g.value || g.total || g.live || g.came || g.grown), all: total[0] };
  }
  function drawTable() {
    const { groups, all } = makeGroups(), table = $('table');
    const names = g => isPerFunction() ? [functions[g.fn].name || '??', whereOfKey(g.key)] : [g.key || 'no module', ''];
    const found = groups.filter(g => !state.search || matches(functions[g.fn]) || names(g)[0].toLowerCase().includes(state.search) || names(g)[1].toLowerCase().includes(state.search));
    const sign = state.ascending ? 1 : -1;
    found.sort((a, b) => state.sort === 'name' ? sign * (names(a)[0] < names(b)[0] ? -1 : names(a)[0] > names(b)[0] ? 1 : 0) : sign * (a[state.sort] - b[state.sort]) || a.fn - b.fn);
    const heading = (key, text) => sortHeading(state, key, text, key === 'name', drawTable);
    const columns = COLUMNS.filter(c => c.key !== state.measure);
    table.tHead.replaceChildren(make('tr', {}, heading('name', isPerFunction() ? 'function' : state.per), ...(isPerFunction() ? [make('th', { scope: 'col', class: 'left', text: 'where' })] : []),
      ...columns.map(c => c.sort ? make('th', { scope: 'col', text: c.words() }) : heading(c.key, c.words()))));
    const most = found.reduce((value, g) => Math.max(value, Math.abs(g.value)), 1);
    table.tBodies[0].replaceChildren(...found.slice(0, state.shown).map(g => {
      const [name, where] = names(g), row = make('tr', {}, make('td', { class: 'left code' }, isPerFunction() ? make('button', { type: 'button', class: 'open', 'data-fn': g.fn, title: 'Callers and callees', text: name, onclick: () => lookAt(g.fn, true) }) : name));
      if (isPerFunction()) row.append(make('td', { class: 'left code', text: where }));
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
  const HELP = {
    icicle: 'Arrow keys go to callers, callees and neighbours, Enter zooms in, Escape zooms out, s shows callers and callees of a function. The table holds the same.',
    sandwich: 'Callers are above the function in the middle, callees below it. Arrow keys go to callers, callees and neighbours, Enter puts a function into the middle, Escape goes back.',
  };
  HELP.flame = HELP.icicle;
  const useShown = () => useShape(shapeOf(state.hasLibraries, (state.view === 'table' ? state.per : state.lines) === 'line'));
  let allWeight = 0; /* of all that is shown, whatever is zoomed into */
  function showGraph() {
    const isTable = state.view === 'table';
    useShown();
    makeTree();
    const total = tree.total[0], out = $('total'), isSandwich = state.view === 'sandwich';
    allWeight = tree.weight[0];
    out.dataset.value = total;
    let words = `${exact(total, state.unit)}${state.unit === 'bytes' ? ` (${size(total)})` : ''} ${MEASURES[state.measure]} ${spanWords()}.`;
    if (state.search && !isSandwich) {
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
    $('candidates').hidden = true;
    delete out.dataset.of;
    if (isSandwich) {
      chooseFunction(tree);
      tree = makeSandwich(tree, state.fn);
      if (state.fn < 0) tree.key[0] = -1;
      out.dataset.of = tree.total[0];
      if (state.fn >= 0) words = `${exact(tree.total[0], state.unit)}${state.unit === 'bytes' ? ` (${size(tree.total[0])})` : ''} by ${functions[state.fn].name} and its callees, ${percent(tree.weight[0], allWeight) || '0 %'} of ${words}`;
    }
    out.textContent = words;
    $('graph-title').textContent = TITLES[state.measure];
    $('graph-help').textContent = HELP[state.view];
    $('libraries').setAttribute('aria-pressed', state.hasLibraries);
    $('libraries').textContent = `Library frames: ${number(foldedFrames)} ${state.hasLibraries ? 'shown' : 'hidden'}`;
    for (const label of document.querySelectorAll('.of-tree')) label.hidden = isTable || isSandwich;
    $('graph-part').hidden = isTable;
    $('table-part').hidden = !isTable;
    for (const label of document.querySelectorAll('.of-graph')) label.hidden = isTable;
    for (const label of document.querySelectorAll('.of-table')) label.hidden = !isTable;
    for (const button of document.querySelectorAll('[data-view]')) button.setAttribute('aria-pressed', button.dataset.view === state.view);
    if (isTable) drawTable();
    else drawGraph();
  }

  /* ---- findings, layers, processes, capture -------------------------------------------------- */
  const stateWords = p => p.end_kind === 1 ? `exited with ${p.exit_status}` : p.end_kind === 2 ? p.signal ? `killed by signal ${p.signal}` : 'ended, how is unknown' : p.end_kind === 3 || p.end_kind === 4 ? 'executed another program' : p.end_ns === null ? 'still ran' : 'ended';
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
    if (!layers) { panel.append(make('div', { class: 'card' }, make('p', { text: data.layers_left_out && data.completeness.error ? 'Layers are counted out of all events, and a part of them is damaged.' : data.layers_left_out ? `Layers are counted out of all events; of a log of ${number(data.events)} the page leaves them out. hakmem-trace layers counts them.` : 'The program kept its own allocator in this capture: there are no layers.' }))); return; }
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
    if (c.lost_events || c.trimmed_events || c.being_written || c.ended_early || c.stops || c.unseen_ends || c.error) { $('note').textContent = c.sentence; $('note').hidden = false; }
    if (data.findings.length) { /* whoever made the page for a fault sees it first */
      const [first] = data.findings, more = data.findings_count - 1;
      $('first-finding').textContent = `${first.headline || first.name}${more ? `, and ${number(more)} more` : ''}`;
      $('first-finding').hidden = false;
      $('first-finding').addEventListener('click', () => showPanel('findings', true));
    }
    const came = PICKS.bytes.came, all = { came: 0, blocks: 0, brief: 0 };
    for (let k = 0; k < change.count; k++) { all.came += came(k); all.blocks += change.cameBlocks[k]; all.brief += change.briefBlocks[k]; }
    const held = sumOf(addUp(-1, steps - 1, PICKS.bytes.held));
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

  /* Finds a path's frame again once libraries are shown or folded. */
  function carryOver(path) {
    const isHere = path && state.order === 'down' && state.view !== 'sandwich' && state.view !== 'table', full = isHere ? shown.nodeOf.indexOf(nodeAt(path)) : 0;
    useShown();
    const carried = [];
    for (let i = full && shown.nodeOf[full]; i; i = parent[i]) carried.unshift(keyOf[i]);
    return full ? carried : null;
  }
  $('libraries').addEventListener('click', () => {
    state.hasLibraries = !state.hasLibraries;
    state.zoom = state.frame = carryOver(state.zoom);
    showGraph();
  });
  $('libraries').hidden = !foldedFrames;
  $('lines').addEventListener('change', () => { state.lines = $('lines').value; state.zoom = state.frame = null; showGraph(); });
  $('to-sandwich').addEventListener('click', () => { const node = nodeAt(state.frame); if (!isAll(node)) lookAt(fnOf(node), true); });

  /* For "grown", colours show the direction, unless others are chosen. */
  function followMeasure(before) {
    if (state.measure === 'grown' && before !== 'grown' && state.colour !== 'growth') { state.colourBefore = state.colour; state.colour = $('colour').value = 'growth'; }
    if (state.measure !== 'grown' && state.colourBefore) { state.colour = $('colour').value = state.colourBefore; state.colourBefore = null; }
  }
  for (const id of ['measure', 'unit', 'order', 'colour', 'per']) {
    $(id).value = state[id];
    $(id).addEventListener('change', () => {
      const before = state[id];
      state[id] = $(id).value;
      if (id === 'measure') followMeasure(before);
      if (id === 'colour') state.colourBefore = null;
      state.zoom = id === 'order' ? null : state.zoom;
      state.frame = null;
      if (id === 'measure' && state.measure === 'grown' && !state.isSpan) choose(growing.from, growing.to, true); /* between start-up and teardown */
      else showGraph();
    });
  }
  $('process').addEventListener('change', () => { state.process = Number($('process').value); makeCurve(); makeBands(); drawTimeline(); placeHandles(); drawTimelineTable(); showGraph(); });
  for (const button of document.querySelectorAll('[data-view]')) button.addEventListener('click', () => {
    if (button.dataset.view === 'sandwich') {
      const node = state.view !== 'sandwich' && state.view !== 'table' ? nodeAt(state.frame) : 0;
      if (node && !isAll(node)) state.fn = fnOf(node);
      if (state.view !== 'sandwich') { state.viewBefore = state.view; state.trail = []; }
    }
    state.view = button.dataset.view;
    state.frame = null;
    showGraph();
  });
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
  $('graph').addEventListener('click', event => { const frame = event.target.frameOf; if (frame) openFrame(frame.node); });
  $('graph').addEventListener('mouseover', event => { const frame = event.target.frameOf; if (frame) describe(frame.node); });
  $('graph').addEventListener('mousemove', event => { const frame = event.target.frameOf; if (frame) showTip(frame.node, event); else hideTip(); });
  $('graph').addEventListener('mouseleave', () => { hideTip(); describe(nodeAt(state.frame)); });
  $('graph-box').addEventListener('scroll', hideTip);
  $('graph').addEventListener('focusin', event => { const frame = event.target.frameOf; if (frame) describe(frame.node); });
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape') hideTip();
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.nodeName);
    if (event.key === '/' && !isTyping && state.panel === 'heap') { event.preventDefault(); $('search').focus(); }
    if (event.key === 'Escape' && event.target.id === 'search') { $('search').value = ''; state.search = ''; showGraph(); }
  });
  addEventListener('resize', () => drawLater('size', () => { if (state.panel === 'heap') { drawTimeline(); showGraph(); } }, 60));

  startTheme();
  chooseHues();
  const first = [...hueOf.keys()][0], inFirst = keyOf.reduce((count, key, node) => count + (node > 0 && functions[keyFn[key]].module === first), 0);
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
