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
  const PORTION = 200; // buttons that are added to the list at once: data sets have thousands of sentences
  let shown = entries, listed = PORTION, current = null, moments = [], chosen = -1;

  const clock = (s) => {
    const tenths = Math.round(s * 10), whole = Math.floor(tenths / 10), pad = (n) => String(n).padStart(2, '0');
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return (hours ? hours + ':' + pad(minutes) : minutes) + ':' + pad(whole % 60) + '.' + (tenths % 10);
  };
  const number = (value) => (value === null || value === undefined ? 'n/a' : Number(value).toFixed(Number.isInteger(value) ? 0 : 2));
  const percent = (s) => (100 * Math.min(Math.max(s / current.video.duration, 0), 1)) + '%';
  const colour = (model) => 'var(--m' + (model % 4) + ')';

  // Metrics of a query itself have the model -1.
  const partOf = (entry, m) => (m < 0 ? entry.query : entry.query.answers[m]);
  const metricKeys = [];
  for (const m of [...data.models.keys(), -1]) {
    entries.forEach((e) => Object.keys(partOf(e, m).metrics).forEach((name) => {
      if (!metricKeys.some((k) => k.m === m && k.name === name)) metricKeys.push({ m, name });
    }));
  }
  const label = (key) => key.name + (key.m >= 0 && data.models.length > 1 ? ' of ' + data.models[key.m] : '');
  const valueOf = (entry, key) => {
    const value = partOf(entry, key.m).metrics[key.name];
    return value === null || value === undefined ? null : value;
  };
  const names = [...new Set(metricKeys.map((key) => key.name))];
  // "mAP 41.20 | 38.75": the values of the models next to each other, in their colours.
  const facts = (entry, wanted) => {
    const parts = data.videos.length > 1 ? [make('span', { textContent: entry.video.name })] : [];
    wanted.forEach((name) => {
      const keys = metricKeys.filter((key) => key.name === name && valueOf(entry, key) !== null);
      const values = keys.map((key) => make('b', { textContent: number(valueOf(entry, key)), title: label(key),
        style: 'color: ' + (key.m < 0 || data.models.length < 2 ? 'inherit' : colour(key.m)) }));
      if (keys.length) parts.push(make('span', {}, name, ...values.flatMap((v, i) => [i ? ' | ' : ' ', v])));
    });
    return parts.flatMap((part, i) => (i ? [' · ', part] : [part]));
  };

  const sortKey = () => metricKeys[Number($('sort').value.split(' ')[1])];
  const fillList = () => {
    const wanted = [...new Set([...names.slice(0, 1), ...(sortKey() ? [sortKey().name] : [])])]; // there is no more room
    $('queries').replaceChildren(...shown.slice(0, listed).map((entry) => {
      const button = make('button', { type: 'button' }, entry.query.text, make('small', {}, ...facts(entry, wanted)));
      button.setAttribute('aria-current', String(entry === current));
      button.addEventListener('click', () => { show(entry); $('query').focus(); });
      entry.button = button;
      return make('li', {}, button);
    }));
    $('more').hidden = shown.length <= listed;
    $('count').textContent = shown.length === 1 ? '1 sentence' : shown.length + ' sentences';
  };
  const sortList = () => {
    const word = $('filter').value.trim().toLowerCase(), order = $('sort').value, key = sortKey();
    entries.forEach((e) => { e.button = null; });
    shown = entries.filter((e) => (e.query.text + ' ' + e.video.name).toLowerCase().includes(word));
    if (key) {
      const sign = order.startsWith('down') ? -1 : 1;
      shown.sort((a, b) => {
        const x = valueOf(a, key), y = valueOf(b, key);
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (x - y) || a.index - b.index;
      });
    }
    listed = PORTION;
    fillList();
  };

  const momentButton = (span, kind, rank, model, lane) => {
    const score = span.length > 2 ? number(span[2]) : null;
    const button = make('button', { type: 'button', textContent: rank + (score === null ? '' : ' · ' + score),
      title: kind + ' ' + rank + ': ' + clock(span[0]) + ' to ' + clock(span[1]) +
        (score === null ? '' : ', score ' + score) });
    button.setAttribute('aria-label', button.title);
    button.setAttribute('aria-pressed', 'false');
    Object.assign(button.style, { left: percent(span[0]), top: (0.15 + 1.9 * lane) + 'rem',
      width: 'calc(' + percent(span[1]) + ' - ' + percent(span[0]) + ')' });
    button.style.setProperty('--own', model < 0 ? 'var(--truth)' : colour(model));
    if (model >= 0 && rank > 1) {
      button.classList.add('lower');
      button.style.setProperty('--share', 20 + 25 * Math.min(1, Math.max(0, span[2])) + '%');
    }
    const position = moments.push({ span, button }) - 1;
    button.addEventListener('click', () => choose(position, true));
    return button;
  };

  const row = (name, track) => make('div', { className: 'row' }, make('span', { textContent: name }), track);
  // The first lane in which a span overlaps no other, so that the best moments are on top.
  const lanes = (spans) => {
    const taken = [];
    return spans.map(([start, end]) => {
      let lane = taken.findIndex((others) => others.every(([first, last]) => last <= start || end <= first));
      if (lane < 0) lane = taken.push([]) - 1;
      taken[lane].push([start, end]);
      return lane;
    });
  };
  const seekable = (node) => {
    node.addEventListener('click', (event) => {
      if (event.target.tagName === 'BUTTON') return;
      const box = node.getBoundingClientRect();
      choose(-1);
      seek(current.video.duration * (event.clientX - box.left) / box.width);
    });
    return node;
  };
  const track = (spans, kind, model) => {
    const node = make('div', { className: 'track' }), place = lanes(spans);
    const depth = Math.max(1, ...place.map((lane) => lane + 1));
    node.style.height = (0.1 + 1.9 * depth) + 'rem';
    spans.forEach((span, i) => node.append(momentButton(span, kind, i + 1, model, place[i])));
    return seekable(node);
  };
  const curve = (values, meaning, fill) => {
    const ns = 'http://www.w3.org/2000/svg', svg = document.createElementNS(ns, 'svg');
    svg.setAttribute('viewBox', '0 0 ' + values.length + ' 1');
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', meaning);
    const area = document.createElementNS(ns, 'path');
    const steps = values.map((v, i) => 'L' + i + ' ' + (1 - v) + 'L' + (i + 1) + ' ' + (1 - v)).join('');
    area.setAttribute('d', 'M0 1' + steps + 'L' + values.length + ' 1Z');
    area.setAttribute('fill', fill);
    area.setAttribute('fill-opacity', '0.6');
    svg.append(area);
    return seekable(make('div', { className: 'track' }, svg));
  };
  const axis = () => {
    const node = make('div', { className: 'track axis' }), length = current.video.duration;
    const most = window.innerWidth < 700 ? 4 : 8;
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600];
    const step = steps.find((s) => length / s <= most) || 3600 * Math.ceil(length / 3600 / most);
    for (let second = 0; second < length - step / 4; second += step) {
      const mark = make('i', { textContent: step < 1 ? clock(second) : clock(second).slice(0, -2) });
      mark.style.left = percent(second);
      node.append(mark);
    }
    return node;
  };

  const seek = (second) => { if (current.video.src) video.currentTime = Math.min(second, current.video.duration); };
  const hint = () => (!moments.length ? 'No moment was found.'
    : 'Choose a moment to ' + (current.video.src ? 'play it.' : 'see its times.'));
  const choose = (position, play) => {
    chosen = position;
    moments.forEach((m, i) => m.button.setAttribute('aria-pressed', String(i === position)));
    $('chosen').textContent = position < 0 ? hint() : moments[position].button.title;
    if (position < 0) return;
    seek(moments[position].span[0]);
    if (play && current.video.src) video.play().catch(() => {});
  };

  const show = (entry) => {
    const sameVideo = current && current.video === entry.video;
    current = entry;
    moments = [];
    shown.forEach((e) => { if (e.button) e.button.setAttribute('aria-current', String(e === entry)); });
    $('query').textContent = entry.query.text;
    $('facts').replaceChildren(...facts(entry, names));
    if (!sameVideo) {
      video.hidden = $('loop').parentNode.hidden = !entry.video.src;
      $('novideo').hidden = Boolean(entry.video.src);
      $('novideo').textContent = entry.video.name + ': no video file is known, so only the timelines are shown.';
      if (entry.video.src) video.src = entry.video.src; else video.removeAttribute('src');
    }
    const rows = [];
    if (entry.query.truth) rows.push(row('Truth', track(entry.query.truth, 'True moment', -1)));
    if (entry.query.ratings) rows.push(row('Ratings', curve(entry.query.ratings, 'Rating of every clip', 'var(--truth)')));
    entry.query.answers.forEach((answer, m) => {
      rows.push(row(data.models[m], track($('all').checked ? answer.moments : answer.moments.slice(0, 3), 'Moment', m)));
      if (answer.saliency) rows.push(row('Saliency', curve(answer.saliency,
        'Saliency of the clips, 0 is the lowest of this video and 1 the highest', colour(m))));
    });
    rows.push(row('', axis()));
    $('timelines').replaceChildren(...rows);
    if (entry.video.src) {
      document.querySelectorAll('#timelines .track:not(.axis)').forEach((t) => t.append(make('i', { className: 'head' })));
    }
    choose(-1);
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
  const follow = () => { tick(); if (!video.paused) requestAnimationFrame(follow); };
  video.addEventListener('play', follow);
  video.addEventListener('timeupdate', tick);
  video.addEventListener('seeked', tick);
  video.addEventListener('error', () => {
    $('novideo').hidden = false;
    $('novideo').textContent = 'The browser cannot play ' + current.video.name +
      '; keep the page where it was written, or convert the video to H.264 in MP4.';
  });

  const step = (by) => {
    if (!shown.length) return;
    const position = (shown.indexOf(current) + by + shown.length) % shown.length;
    if (position >= listed) { listed = position + PORTION; fillList(); }
    show(shown[position]);
    if (current.button) current.button.scrollIntoView({ block: 'nearest' });
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
    const own = event.target === video || (event.key === ' ' && event.target.closest('button, input, summary'));
    if (act && !own) { event.preventDefault(); act(); }
  });
  $('all').addEventListener('change', () => { if (current) show(current); });
  $('theme').addEventListener('click', () => {
    const root = document.documentElement, dark = root.dataset.theme
      ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
  });

  addEventListener('resize', () => { if (current) $('timelines').lastElementChild.replaceWith(row('', axis())); });

  $('all').parentNode.hidden = !data.models.length;
  document.title = data.title;
  $('title').textContent = data.title;
  $('notes').textContent = data.notes.join('\n');
  const choices = [['given', 'order given']];
  metricKeys.forEach((key, i) => choices.push(['up ' + i, label(key) + ', lowest first'],
    ['down ' + i, label(key) + ', highest first']));
  $('sort').append(...choices.map(([value, textContent]) => make('option', { value, textContent })));
  $('sort').addEventListener('change', sortList);
  $('filter').addEventListener('input', sortList);
  $('more').addEventListener('click', () => { listed += PORTION; fillList(); });
  sortList();
  if (entries.length) show(shown[0]);
})();
