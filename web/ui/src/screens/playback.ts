// Playback: one camera, its time line, and the way to a clip.
import { html } from 'htm/preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { footage as api } from '../api';
import { Icon } from '../icons';
import { useKeys } from '../keys';
import { codecName } from '../media/gops';
import { lastMs, Player, type PlayerState } from '../media/player';
import { go, href, replace, route } from '../router';
import { mayExport } from '../roles';
import { boxNow, cameraList, panel, say, user, zone } from '../store';
import { clock, clockTenths, day, dayStart, gapReason, sentence, span, stamp, unasked, whyText } from '../format';
import { Footage } from '../timeline/footage';
import { centred, maxSpan, placeAt, viewSpan, zoom, type View } from '../timeline/model';
import { useHeld } from '../timeline/held';
import { follow, Timeline } from '../timeline/view';
import { List } from '../timeline/list';
import { Empty, IconButton } from '../ui/kit';
import type { Camera } from '../types';
import { GoTo, Legend, Marks, Picture, Rates, Transport, type Actions } from './playback-controls';

export function PlaybackScreen() {
  const list = cameraList.value;
  const arg = route.value.arg;
  const cam = arg ? list.find((c) => c.id === arg) : list.find((c) => c.state === 'recording') ?? list[0];
  if (!cam && list.length) {
    return html`<main id="main" class="screen"><h1 tabIndex=${-1}>Playback</h1>
      <${Empty} title="There is no camera “${arg}”"><p>It was removed, or the address is wrong.</p>
      <a class="button primary" href=${href('playback', list[0].id)}>Playback of ${list[0].name}</a><//></main>`;
  }
  if (!cam) {
    return html`<main id="main" class="screen"><h1 tabIndex=${-1}>Playback</h1>
      <${Empty} title="No cameras yet"><p>Footage appears here once a camera records.</p>
      <a class="button primary" href="#/cameras/new">Add a camera</a><//></main>`;
  }
  return html`<${Playback} key=${cam.id} id=${cam.id} />`;
}

const now = () => Date.now() + panel.value.skew;

function Playback({ id }: { id: string }) {
  const cam = cameraList.value.find((c) => c.id === id);
  const name = cam?.name ?? id;
  const z = zone.value;
  const video = useRef<HTMLVideoElement>(null);
  const player = useRef<Player | null>(null);
  const foot = useMemo(() => new Footage(id, now), [id]);
  const start = useMemo(() => asked() ?? now() - 30_000, [id]);
  const [view, setView] = useState<View>(() => centred({ from: 0, to: 3600e3 }, start));
  const [at, setAt] = useState<number | null>(start);
  const [state, setState] = useState<{ s: PlayerState; detail: string }>({ s: 'idle', detail: '' });
  const [playing, setPlaying] = useState(false);
  const [rate, setRate] = useState(1);
  const [sound, setSound] = useState(false);
  const [marks, setMarks] = useState<{ a: number | null; b: number | null }>({ a: null, b: null });
  const [jump, setJump] = useState<string>('');
  const [table, setTable] = useState(false);
  const held = useHeld(id);
  const dragging = useRef(false);
  const shuttle = useRef(0);

  useEffect(() => {
    let before: number | null = null;
    const p = new Player(video.current!, {
      load: (a, b) => api.gops(id, a, b),
      nextFootage: (t) => foot.next(t),
      lastFootage: (t) => foot.last(t),
      now,
      onState: (s, detail) => setState({ s, detail }),
      onWall: (t) => {
        if (dragging.current) return;
        setAt(t);
        const was = before;
        before = t;
        setView((v) => follow(v, was, t));
      },
      onJump: (a, b) => {
        if (b < a && b > now() - 10_000) return; // the present, still on its way to the disk
        if (b < a) return setJump(`Nothing is recorded after ${clock(b + lastMs, zone.value)}. This is the end of it.`);
        const place = placeAt(foot.ranges.value, foot.gaps.value, a + 500);
        const why = place.kind === 'gap' ? gapReason(place.reason) : 'nothing recorded';
        setJump(`Skipped ${span(b - a)}: ${why}. Now at ${clock(b, zone.value)}.`);
      },
    });
    player.current = p;
    p.play();
    setPlaying(true);
    void p.seek(start);
    return () => {
      clearInterval(shuttle.current);
      p.destroy();
    };
  }, [id]);

  useEffect(() => {
    if (!jump) return;
    const t = setTimeout(() => setJump(''), 6000);
    return () => clearTimeout(t);
  }, [jump]);

  // An address with a time, chosen while this camera is already on show.
  useEffect(() => {
    const t = asked();
    if (t !== null && player.current && Math.abs((player.current.wall() ?? 0) - t) > 1000) moveTo(t);
  }, [route.value]);

  const block = `${Math.floor(view.from / 3600e3)}-${Math.ceil(view.to / 3600e3)}-${Math.floor(boxNow.value / 5000)}`;
  useEffect(() => {
    const pad = Math.max(viewSpan(view), 1800e3);
    const d = dayStart(at ?? view.from, z);
    foot.need(Math.min(view.from - pad, d), Math.max(view.to + pad, dayStart(d, z, 1))).catch(() => {});
  }, [block, z, id]);

  // The recorder answers again: what failed meanwhile is asked for anew.
  const linked = panel.value.link === 'open';
  useEffect(() => {
    if (linked && player.current?.state === 'error') void player.current.seek(at ?? start);
  }, [linked]);

  // A box that began minutes ago: an hour would show a sliver.
  const fitted = useRef(false);
  useEffect(() => {
    const first = foot.ranges.value[0];
    if (!first || fitted.current) return;
    fitted.current = true;
    const age = now() - first.start;
    if (age < 2700e3 && start > first.start - 60e3) setView(centred(view, first.start + age / 2, Math.max(300e3, age * 1.25)));
  }, [foot.ranges.value]);

  const stopShuttle = () => {
    clearInterval(shuttle.current);
    shuttle.current = 0;
  };
  const moveTo = (t: number) => {
    stopShuttle();
    const to = Math.min(t, now());
    setAt(to);
    setView((v) => (to < v.from || to > v.to ? centred(v, to) : v));
    setJump('');
    void player.current?.seek(to);
    replace('playback', id, `t=${Math.round(to)}`);
  };
  const by = (ms: number) => moveTo((player.current?.wall() ?? at ?? now()) + ms);
  const play = (on: boolean) => {
    stopShuttle();
    setPlaying(on);
    if (on) player.current?.play();
    else player.current?.pause();
    if (on && shown.current === 'scrubbed') void player.current?.seek(at ?? now());
    shown.current = '';
  };
  const shown = useRef('');
  const pickRate = (r: number) => {
    setRate(r);
    player.current?.setRate(r);
  };
  const scrub = (t: number, done: boolean) => {
    stopShuttle();
    dragging.current = !done;
    setAt(t);
    setJump('');
    if (!done) player.current?.scrub(t);
    else {
      void player.current?.seek(t);
      replace('playback', id, `t=${Math.round(t)}`);
    }
  };
  const backwards = () => {
    if (shuttle.current) return;
    play(false);
    let t = player.current?.wall() ?? now();
    shuttle.current = window.setInterval(() => {
      t -= 1000;
      setAt(t);
      setView((v) => follow(v, t + 1000, t));
      player.current?.scrub(t);
      shown.current = 'scrubbed';
    }, 500);
  };
  const mark = (which: 'a' | 'b') => {
    const t = Math.round(player.current?.wall() ?? at ?? now());
    setMarks((m) => {
      const next = { ...m, [which]: t };
      if (next.a !== null && next.b !== null && next.b <= next.a) return which === 'a' ? { a: t, b: null } : { a: null, b: t };
      return next;
    });
  };
  const actions: Actions = {
    play, by, moveTo, mark, rate: pickRate,
    step: (n) => {
      stopShuttle();
      setPlaying(false);
      player.current?.step(n);
    },
    clear: () => setMarks({ a: null, b: null }),
    zoom: (f) => setView((v) => zoom(v, f, at !== null && at >= v.from && at <= v.to ? at : (v.from + v.to) / 2)),
    sound: () => {
      setSound(!sound);
      if (video.current) video.current.muted = sound;
    },
    full: () => void (document.fullscreenElement ? document.exitFullscreen() : video.current?.closest('.stage')?.requestFullscreen?.()),
  };

  useKeys((key, e) => {
    const a = actions;
    switch (key) {
      case ' ': return play(!playing), true;
      case 'k': return play(false), true;
      case 'l':
        if (playing) pickRate(Math.min(8, rate * 2));
        return play(true), true;
      case 'j': return backwards(), true;
      case 'ArrowLeft': return by(-10_000), true;
      case 'ArrowRight': return by(10_000), true;
      case 'Shift+ArrowLeft': return by(-60_000), true;
      case 'Shift+ArrowRight': return by(60_000), true;
      case 'PageUp': return onTimeline(e) && (by(-viewSpan(view) / 4), true);
      case 'PageDown': return onTimeline(e) && (by(viewSpan(view) / 4), true);
      case ',': case '.': return a.step(key === ',' ? -1 : 1), true;
      case '+': case '=': return a.zoom(0.5), true;
      case '-': return a.zoom(2), true;
      case 'Home': return moveTo(dayStart(at ?? now(), z)), true;
      case 'End': return moveTo(now()), true;
      case 'i': case 'o': case 'e':
        if (!mayExport(user.value?.role)) return say('info', 'Your account may not take footage away.'), true;
        if (key !== 'e') mark(key === 'i' ? 'a' : 'b');
        else if (marks.a === null || marks.b === null) say('info', 'Mark the start with I and the end with O first.');
        else document.querySelector<HTMLAnchorElement>('[data-testid=download-clip]')?.click();
        return true;
      case 't': return document.getElementById('goto')?.focus(), true;
      case 'n': return go('live', id), true;
    }
  });

  const place = at === null ? null : placeAt(foot.ranges.value, foot.gaps.value, at);
  return html`<main id="main" class="screen playback">
    <header class="screen-head">
      <h1 tabIndex=${-1}>Playback</h1>
      <${CameraPick} id=${id} at=${at} />
      <a class="button" href="#/live/${encodeURIComponent(id)}"><${Icon} name="live" /><span>Live</span></a>
    </header>
    <section class="stage" aria-label="Footage of ${name}">
      <video ref=${video} muted=${!sound} playsInline data-testid="playback-video" onClick=${() => play(!playing)}></video>
      <${Readout} at=${at} state=${state.s} playing=${playing} rate=${rate} />
      <${Cover} id=${id} state=${state.s} detail=${state.detail} at=${at} cam=${cam} />
      <div class="stage-note" role="status">${jump && !['unsupported', 'empty', 'error'].includes(state.s) && html`<span><${Icon} name="now" />${jump}</span>`}</div>
    </section>
    <section class="deck" aria-label="Controls">
      <${Transport} actions=${actions} playing=${playing} />
      <${Rates} rate=${rate} onPick=${pickRate} />
      <${Picture} actions=${actions} sound=${sound} />
    </section>
    <section class="line" aria-label="Recordings">
      <div class="line-head">
        <p class="line-says">${placeLine(place, foot.error.value, z)}</p>
        <div class="line-tools">
          <${IconButton} icon="list" label=${table ? 'Hide list' : 'List'} text pressed=${table} onClick=${() => setTable(!table)} testid="timeline-list-toggle" />
          <${IconButton} icon="minus" label="Show more time" onClick=${() => actions.zoom(2)} disabled=${viewSpan(view) >= maxSpan} testid="zoom-out" />
          <span class="line-span mono">${span(viewSpan(view))}</span>
          <${IconButton} icon="plus" label="Show less time" onClick=${() => actions.zoom(0.5)} disabled=${viewSpan(view) <= 60e3} testid="zoom-in" />
        </div>
      </div>
      <${Timeline} name=${name} view=${view} ranges=${foot.ranges.value} gaps=${foot.gaps.value} held=${held} at=${at} now=${boxNow.value}
        markIn=${marks.a} markOut=${marks.b} zone=${z} onView=${setView} onScrub=${scrub} />
      <${Legend} ranges=${foot.ranges.value} gaps=${foot.gaps.value} view=${view} />
      <div class="line-foot">
        <${GoTo} at=${at} now=${now} zone=${z} onGo=${moveTo} />
        <${Marks} id=${id} marks=${marks} actions=${actions} zone=${z} recorded=${marks.a !== null && marks.b !== null ? foot.recorded(marks.a, marks.b) : 0} />
      </div>
      ${table && html`<${List} view=${view} ranges=${foot.ranges.value} gaps=${foot.gaps.value} at=${at} zone=${z} onGo=${moveTo} />`}
    </section>
  </main>`;
}

const onTimeline = (e: KeyboardEvent) => (e.target as HTMLElement)?.closest?.('.timeline') !== null;

/** asked gives the time in the address, if one is there. */
function asked(): number | null {
  const t = Number(route.value.query.get('t'));
  return Number.isFinite(t) && t > 0 ? t : null;
}

function placeLine(place: ReturnType<typeof placeAt> | null, error: string, z: 'utc' | 'local') {
  if (error) return html`<span class="bad"><${Icon} name="warn" size=${16} /> ${error}</span>`;
  if (!place) return '';
  if (place.kind === 'gap' && unasked(place.reason)) {
    return html`<span class="quiet" aria-hidden="true"></span>Not recorded ${clock(place.range.start, z)} – ${clock(place.range.end, z)}: ${gapReason(place.reason)}`;
  }
  if (place.kind === 'gap') {
    return html`<span class="hatch" aria-hidden="true"></span>Gap ${clock(place.range.start, z)} – ${clock(place.range.end, z)}: ${gapReason(place.reason)}`;
  }
  if (place.kind === 'none') return 'Nothing recorded here';
  const why = whyText(place.range.why);
  return html`<span class="solid solid-${place.range.why ?? ''}" aria-hidden="true"></span>Recorded ${why && `${why} `}since ${stamp(place.range.start, z)}`;
}

/** Readout is the wall clock of the picture, always over it. */
function Readout({ at, state, playing, rate }: { at: number | null; state: PlayerState; playing: boolean; rate: number }) {
  const z = zone.value;
  if (at === null) return null;
  const flip = () => (zone.value = z === 'utc' ? 'local' : 'utc');
  return html`<div class="readout">
    <span class="readout-day">${day(at, z)}</span>
    <span class="readout-time mono" data-testid="readout" data-ms=${Math.round(at)}>${playing ? clock(at, z) : clockTenths(at, z)}</span>
    <button type="button" class="readout-zone" onClick=${flip} title="Switch between UTC and this browser's time" data-testid="zone-toggle">${z === 'utc' ? 'UTC' : 'Local'}</button>
    ${playing && rate !== 1 && html`<span class="readout-rate mono">${rate}×</span>`}
    ${!playing && state === 'paused' && html`<span class="readout-rate">Paused</span>`}
  </div>`;
}

function Cover({ id, state, detail, at, cam }: { id: string; state: PlayerState; detail: string; at: number | null; cam?: Camera }) {
  if (state === 'loading') return html`<div class="stage-busy" aria-hidden="true"></div>`;
  if (state === 'edge') return html`<div class="stage-msg"><span>${!cam || cam.state === 'recording' ? 'Waiting for newer footage' : `The end: ${cam.name} is not recording now`}</span></div>`;
  if (state === 'empty') return html`<div class="stage-cover"><h2>Nothing recorded here</h2><p>There is no footage of this camera near this time.</p></div>`;
  if (state === 'error') return html`<div class="stage-cover" role="alert"><${Icon} name="warn" size=${28} /><h2>The footage could not be played</h2><p>${sentence(detail)}</p></div>`;
  if (state !== 'unsupported') return null;
  const from = (at ?? now()) - 30_000;
  const takes = mayExport(user.value?.role);
  return html`<div class="stage-cover" role="alert" data-testid="unsupported">
    <${Icon} name="info" size=${28} />
    <h2>This browser cannot play ${detail.includes('/') ? codecName(detail) : detail}</h2>
    <p>The recording is intact. ${takes ? 'Download it and play it with a player that knows the format.' : 'Ask somebody who may download it.'}</p>
    ${takes && html`<a class="button primary" href=${api.clipURL(id, from, from + 60_000)} download><${Icon} name="download" /><span>Download this minute</span></a>`}
  </div>`;
}

function CameraPick({ id, at }: { id: string; at: number | null }) {
  const list = cameraList.value;
  const pick = (e: Event) => go('playback', (e.target as HTMLSelectElement).value, at ? `t=${Math.round(at)}` : '');
  return html`<label class="pick"><span class="sr">Camera</span>
    <select value=${id} onChange=${pick} data-testid="playback-camera">
      ${list.map((c) => html`<option value=${c.id} key=${c.id} selected=${c.id === id}>${c.name}</option>`)}
    </select></label>`;
}
