/* The page of `hakmem-trace replay --html`: the resident memory of each allocator as curves, and the figures. `data` is the document of `--json`.
   Names of libraries are put in by textContent alone. */
  const runs = data.runs.filter(run => run.steps.length), WIDTH = 1000, HEIGHT = 420, LEFT = 84, RIGHT = 12, TOP = 34, BOTTOM = 34;
  const size = bytes => {
    const power = Math.min(4, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
    return power ? `${(bytes / 1024 ** power).toFixed(1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][power]}` : `${number(bytes)} B`;
  };
  const span = ns => ns < 1e3 ? `${number(ns)} ns` : ns < 1e6 ? `${(ns / 1e3).toFixed(1)} us` : ns < 1e9 ? `${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e9).toFixed(2)} s`;
  /* Colours far from each other, each with a line of its own, too. */
  const colourOf = i => `hsl(${(205 + i * 137.5) % 360} 65% 48%)`, dashOf = i => ['', '10 4', '3 3', '12 4 3 4', '6 3'][i % 5];

  /* ---- the picture ---------------------------------------------------------------------------- */
  function text(x, y, words, anchor) {
    const one = shape('text', { x, y, 'text-anchor': anchor, 'font-size': 13, fill: 'currentColor' });
    one.textContent = words;
    return one;
  }
  function curve(points, stroke, dash, width) {
    const path = points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
    return shape('path', { d: path || 'M0 0', fill: 'none', stroke, 'stroke-width': width, 'stroke-dasharray': dash, 'stroke-linejoin': 'round' });
  }
  function draw() {
    const along = $('along').value, svg = $('curves'), live = runs.length ? runs[0].steps : [];
    const most = Math.max(1, ...runs.flatMap(run => run.steps.map(step => Math.max(step.resident_bytes, step.live_bytes))));
    const last = Math.max(1, ...runs.map(run => run.steps[run.steps.length - 1][along]));
    const x = value => LEFT + value / last * (WIDTH - LEFT - RIGHT), y = value => HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM);
    const label = along === 'calls' ? value => number(value) : span;
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    for (const old of svg.querySelectorAll('path, text')) old.remove();
    for (let i = 0; i <= 4; i++) {
      svg.append(curve([[LEFT, y(most * i / 4)], [WIDTH - RIGHT, y(most * i / 4)]], 'currentColor', '1 5', 0.6), text(LEFT - 8, y(most * i / 4) + 4, size(most * i / 4), 'end'),
        text(x(last * i / 4), HEIGHT - 12, label(last * i / 4), i === 4 ? 'end' : i ? 'middle' : 'start'));
    }
    const lines = runs.map((run, i) => ({ name: run.allocator, colour: colourOf(i), dash: dashOf(i), width: 2.4, points: run.steps.map(step => [x(step[along]), y(step.resident_bytes)]) }));
    if (along === 'calls') lines.push({ name: 'live', colour: 'currentColor', dash: '', width: 1, points: live.map(step => [x(step.calls), y(step.live_bytes)]) });
    lines.forEach((line, i) => {
      const at = LEFT + i * (WIDTH - LEFT - RIGHT) / lines.length, name = line.name.length > 14 ? `${line.name.slice(0, 13)}…` : line.name;
      const drawn = curve(line.points, line.colour, line.dash, line.width);
      drawn.dataset.curve = line.name;
      svg.append(drawn, curve([[at, 14], [at + 26, 14]], line.colour, line.dash, line.width), text(at + 32, 18, name, 'start'));
    });
  }

  /* ---- tables --------------------------------------------------------------------------------- */
  function fill() {
    $('figures').append(plainTable('Figures of each allocator', ['allocator', 'time', 'CPU', 'in calls', 'peak RSS', 'mean RSS', 'faults', 'p50', 'p99', 'p99.99', 'max'],
      data.runs.map(run => [run.allocator, span(run.wall_ns), span(run.cpu_ns), span(run.call_ns), size(run.peak_bytes), size(run.mean_bytes), number(run.minor_faults),
        ...[run.p50_ns, run.p99_ns, run.p99_99_ns, run.most_ns].map(span)]), [0]));
    const first = runs.length ? runs[0].steps : [];
    $('steps').append(plainTable('Resident memory after so many calls', ['after calls', 'live', ...runs.map(run => run.allocator)],
      first.map((step, i) => [number(step.calls), size(step.live_bytes), ...runs.map(run => run.steps[i] ? size(run.steps[i].resident_bytes) : '')])));
  }

  startTheme();
  $('about').textContent = `${plural(data.calls, 'call', 'calls')} by ${plural(data.threads, 'thread', 'threads')}, at most ${size(data.peak_live_bytes)} live; speed ${data.speed}, touch ${data.touch}`;
  $('curves-title').textContent = `Resident memory of ${runs.map(run => run.allocator).join(', ')}; the table below has the numbers`;
  $('note').hidden = !data.not_played.length;
  $('note').textContent = data.not_played.map(one => `${one.allocator} is not here: ${one.reason}.`).join(' ');
  $('along').addEventListener('change', draw);
  fill();
  draw();
  document.documentElement.dataset.ready = 'yes';
