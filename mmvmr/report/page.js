'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = (id) => document.getElementById(id);
  const make = (tag, props = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children);
    return node;
  };
  const video = $('video');
  const entries = data.videos.flatMap((v) => v.queries.map((q) => ({ video: v, query: q })));
  entries.forEach((entry, index) => { entry.index = index; });
  let shown = entries, current = null, moments = [], chosen = -1;

  const clock = (s) => {
    const tenths = Math.round(s * 10), whole = Math.floor(tenths / 10), pad = (n) => String(n).padStart(2, '0');
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return (hours ? hours + ':' + pad(minutes) : minutes) + ':' + pad(whole % 60) + '.' + (tenths % 10);
  };
  const number = (value) => (value === null || value === undefined ? 'n/a' : Number(value).toFixed(2));
  const percent = (s) => (100 * Math.min(Math.max(s / current.video.duration, 0), 1)) + '%';
  const colour = (model) => 'var(--m' + (model % 4) + ')';

  const metricKeys = [];
  entries.forEach((e) => e.query.answers.forEach((a, m) => Object.keys(a.metrics).forEach((name) => {
    if (!metricKeys.some((k) => k.m === m && k.name === name)) metricKeys.push({ m, name });
  })));
  const label = (key) => (data.models.length > 1 ? data.models[key.m] + ': ' : '') + key.name;
  const valueOf = (entry, key) => {
    const value = entry.query.answers[key.m].metrics[key.name];
    return value === null || value === undefined ? null : value;
  };

  const fillList = () => {
    const word = $('filter').value.trim().toLowerCase(), order = $('sort').value;
    shown = entries.filter((e) => (e.query.text + ' ' + e.video.name).toLowerCase().includes(word));
    if (order !== 'given') {
      const [direction, position] = order.split(' '), key = metricKeys[Number(position)];
      const sign = direction === 'down' ? -1 : 1;
      shown.sort((a, b) => {
        const x = valueOf(a, key), y = valueOf(b, key);
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (x - y) || a.index - b.index;
      });
    }
    $('queries').replaceChildren(...shown.map((entry) => {
      const facts = metricKeys.filter((k) => valueOf(entry, k) !== null)
        .map((k) => label(k) + ' ' + number(valueOf(entry, k)));
      if (data.videos.length > 1) facts.unshift(entry.video.name);
      const button = make('button', { type: 'button' }, entry.query.text);
      if (facts.length) button.append(make('small', { textContent: facts.join(' · ') }));
      button.setAttribute('aria-current', String(entry === current));
      button.addEventListener('click', () => { show(entry); $('query').focus(); });
      entry.button = button;
      return make('li', {}, button);
    }));
  };

  const momentButton = (span, kind, text, model, lane) => {
    const button = make('button', { type: 'button', textContent: text, title: kind + ': ' + clock(span[0]) + ' to ' +
      clock(span[1]) + (span.length > 2 ? ', score ' + number(span[2]) : '') });
    button.setAttribute('aria-label', button.title);
    button.setAttribute('aria-pressed', 'false');
    button.dataset.start = span[0];
    Object.assign(button.style, { left: percent(span[0]), background: model < 0 ? 'var(--truth)' : colour(model),
      width: 'calc(' + percent(span[1]) + ' - ' + percent(span[0]) + ')', top: (0.15 + 1.9 * lane) + 'rem',
      opacity: span.length > 2 ? 0.55 + 0.45 * Math.min(1, Math.max(0, span[2])) : 1 });
    const position = moments.push({ span, button }) - 1;
    button.addEventListener('click', () => choose(position, true));
    return button;
  };

  const row = (name, track) => make('div', { className: 'row' }, make('span', { textContent: name }), track);
  const lanes = (spans) => {
    const ends = [];
    return spans.map(([start, end]) => {
      let lane = ends.findIndex((last) => last <= start);
      if (lane < 0) lane = ends.length;
      ends[lane] = end;
      return lane;
    });
  };
  const track = (spans, kind, model) => {
    const node = make('div', { className: 'track' }), place = lanes(spans);
    const depth = Math.max(1, ...place.map((lane) => lane + 1));
    node.style.height = (0.1 + 1.9 * depth) + 'rem';
    spans.forEach((span, rank) => node.append(momentButton(span, kind + ' ' + (rank + 1),
      (rank + 1) + (span.length > 2 ? ' · ' + number(span[2]) : ''), model, place[rank])));
    return node;
  };
  const curve = (values, model) => {
    const ns = 'http://www.w3.org/2000/svg', svg = document.createElementNS(ns, 'svg');
    svg.setAttribute('viewBox', '0 0 ' + values.length + ' 1');
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', 'Saliency of the clips, 0 is the lowest of this video and 1 the highest');
    const area = document.createElementNS(ns, 'path');
    const steps = values.map((v, i) => 'L' + i + ' ' + (1 - v) + 'L' + (i + 1) + ' ' + (1 - v)).join('');
    area.setAttribute('d', 'M0 1' + steps + 'L' + values.length + ' 1Z');
    area.setAttribute('fill', colour(model));
    area.setAttribute('fill-opacity', '0.6');
    svg.append(area);
    const node = make('div', { className: 'track' }, svg);
    node.addEventListener('click', (event) => {
      const box = node.getBoundingClientRect();
      seek(current.video.duration * (event.clientX - box.left) / box.width);
    });
    return node;
  };
  const axis = () => {
    const node = make('div', { className: 'track axis' }), ticks = window.innerWidth < 700 ? 3 : 6;
    for (let i = 0; i <= ticks; i += 1) {
      const second = current.video.duration * i / ticks, mark = make('i', { textContent: clock(second) });
      mark.style.left = percent(second);
      node.append(mark);
    }
    return node;
  };

  const seek = (second) => { if (current.video.src) video.currentTime = Math.min(second, current.video.duration); };
  const choose = (position, play) => {
    chosen = position;
    moments.forEach((m, i) => m.button.setAttribute('aria-pressed', String(i === position)));
    if (position < 0) return;
    seek(moments[position].span[0]);
    if (play && current.video.src) video.play().catch(() => {});
  };

  const show = (entry) => {
    const sameVideo = current && current.video === entry.video;
    current = entry;
    moments = [];
    shown.forEach((e) => e.button.setAttribute('aria-current', String(e === entry)));
    $('query').textContent = entry.query.text;
    if (!sameVideo) {
      video.hidden = !entry.video.src;
      $('novideo').hidden = Boolean(entry.video.src);
      $('novideo').textContent = entry.video.name + ': no video file is known, so only the timelines are shown.';
      if (entry.video.src) video.src = entry.video.src; else video.removeAttribute('src');
    }
    const rows = [];
    if (entry.query.truth) rows.push(row('Truth', track(entry.query.truth, 'True moment', -1)));
    entry.query.answers.forEach((answer, m) => {
      rows.push(row(data.models[m], track($('all').checked ? answer.moments : answer.moments.slice(0, 3), 'Moment', m)));
      if (answer.saliency) rows.push(row('Saliency', curve(answer.saliency, m)));
    });
    rows.push(row('', axis()));
    $('timelines').replaceChildren(...rows);
    document.querySelectorAll('#timelines .track:not(.axis)').forEach((t) => t.append(make('i', { className: 'head' })));
    chosen = -1;
    tick();
  };

  const tick = () => {
    if (!current) return;
    const now = current.video.src ? video.currentTime : 0;
    $('clock').textContent = current.video.src ? clock(now) + ' of ' + clock(current.video.duration) : '';
    document.querySelectorAll('.head').forEach((head) => { head.style.left = percent(now); });
    if (chosen >= 0 && $('loop').checked && !video.paused) {
      const [start, end] = moments[chosen].span;
      if (now >= end || now < start - 0.5) video.currentTime = start;
    }
  };
  video.addEventListener('timeupdate', tick);
  video.addEventListener('seeked', tick);
  video.addEventListener('error', () => {
    $('novideo').hidden = false;
    $('novideo').textContent = 'The browser cannot play ' + current.video.name +
      '; keep the page where it was written, or convert the video to H.264 in MP4.';
  });

  const step = (by) => {
    if (shown.length) show(shown[(shown.indexOf(current) + by + shown.length) % shown.length]);
    if (current && current.button) current.button.scrollIntoView({ block: 'nearest' });
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !current) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== 'checkbox') return;
    const act = {
      n: () => choose(moments.length ? (chosen + 1) % moments.length : -1, true),
      p: () => choose(moments.length ? (Math.max(chosen, 0) - 1 + moments.length) % moments.length : -1, true),
      j: () => step(1), k: () => step(-1), l: () => { $('loop').checked = !$('loop').checked; },
      ArrowLeft: () => seek(Math.max(0, video.currentTime - 1)), ArrowRight: () => seek(video.currentTime + 1),
      ' ': () => (video.paused ? video.play().catch(() => {}) : video.pause()),
    }[event.key];
    const own = event.target === video || (event.key === ' ' && event.target.tagName === 'BUTTON');
    if (act && !own) { event.preventDefault(); act(); }
  });
  $('all').addEventListener('change', () => { if (current) show(current); });
  $('theme').addEventListener('click', () => {
    const root = document.documentElement, dark = root.dataset.theme
      ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
  });

  document.title = data.title;
  $('title').textContent = data.title;
  $('notes').textContent = data.notes.join(' · ');
  const choices = [['given', 'order given']];
  metricKeys.forEach((key, i) => choices.push(['up ' + i, label(key) + ', lowest first'],
    ['down ' + i, label(key) + ', highest first']));
  $('sort').append(...choices.map(([value, textContent]) => make('option', { value, textContent })));
  $('sort').addEventListener('change', fillList);
  $('filter').addEventListener('input', fillList);
  fillList();
  if (entries.length) show(shown[0]);
})();
