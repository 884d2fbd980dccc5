// One camera's live picture, with its name and its state always beside it.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { cameras as api, footage } from '../api';
import { clock, sentence, whyText } from '../format';
import { Icon } from '../icons';
import { useKeys } from '../keys';
import { Live, type LiveState } from '../media/rtc';
import { go, href } from '../router';
import { boxes, boxNow, panel, say, stale, user, zone } from '../store';
import { mayReport } from '../roles';
import { Overlay } from './overlay';
import type { Camera } from '../types';
import { hasPicture, IconButton, shownState, StateChip, stateWord } from '../ui/kit';

/** A hidden page gives its streams back after this. */
const hiddenMs = 4000;

/** useWanted tells whether somebody can see el: in the window, and the page not hidden for long. */
function useWanted(el: { current: HTMLElement | null }): boolean {
  const [inView, setInView] = useState(true);
  const [awake, setAwake] = useState(!document.hidden);
  useEffect(() => {
    let t = 0;
    const watch = new IntersectionObserver(([e]) => setInView(e.isIntersecting), { rootMargin: '120px' });
    if (el.current) watch.observe(el.current);
    const change = () => {
      clearTimeout(t);
      if (!document.hidden) setAwake(true);
      else t = window.setTimeout(() => setAwake(false), hiddenMs);
    };
    document.addEventListener('visibilitychange', change);
    return () => {
      clearTimeout(t);
      watch.disconnect();
      document.removeEventListener('visibilitychange', change);
    };
  }, []);
  return inView && awake;
}

export function Tile({ camera: c, large, index }: { camera: Camera; large: boolean; index: number }) {
  const box = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const still = useRef<HTMLCanvasElement>(null);
  const live = useRef<Live | null>(null);
  const [state, setState] = useState<{ s: LiveState; text: string }>({ s: 'idle', text: '' });
  const [sound, setSound] = useState(false);
  const [quality, setQuality] = useState<'auto' | 'main' | 'sub'>('auto');
  const wanted = useWanted(box) && hasPicture(c);
  const stream = quality !== 'auto' ? quality : !large && c.sub_url ? 'sub' : 'main';
  const open = panel.value.link === 'open';

  useEffect(() => {
    const l = new Live(c.id, video.current!, still.current!, { onState: (s, text) => setState({ s, text }) });
    live.current = l;
    return () => l.destroy();
  }, [c.id]);
  // A picture that runs survives a lost websocket; a new one needs it.
  useEffect(() => {
    if (!wanted) live.current?.close();
    else if (open) live.current?.open(stream);
  }, [wanted, stream, open, c.id]);
  useEffect(() => {
    if (!large) setSound(false);
  }, [large]);

  const full = () => void (document.fullscreenElement ? document.exitFullscreen() : box.current?.requestFullscreen?.());
  const playback = () => go('playback', c.id, `t=${Math.round(boxNow.value - 30_000)}`);
  const reports = mayReport(user.value?.role) && c.record !== false && (c.record_mode ?? 'continuous') !== 'continuous' && c.state !== 'disabled' && !stale.value;
  const focused = () => large || box.current?.contains(document.activeElement);
  useKeys((key) => {
    if (!focused()) return;
    if (key === 'f') return full(), true;
    if (key === 'r' && reports) return void record(c), true;
    if (key === 'm' && large) return setSound((v) => !v), true;
  });

  return html`<article class="tile ${large ? 'tile-large' : ''} tile-${state.s}" ref=${box} data-cam=${c.id} data-testid="tile-${c.id}" data-live=${state.s}
      aria-label="${c.name}, ${stateWord(shownState(c))}">
    <div class="tile-picture">
      <canvas ref=${still} class="tile-still" aria-hidden="true"></canvas>
      <video ref=${video} autoplay playsInline muted=${!sound} disablePictureInPicture=${!large} data-testid="tile-video-${c.id}"></video>
      ${state.s === 'playing' && boxes.value === 'on' && html`<${Overlay} camera=${c.id} on=${true} />`}
      <${Veil} c=${c} state=${state.s} text=${state.text} />
      ${!large && html`<a class="tile-open" href=${href('live', c.id)} tabIndex=${index === 0 ? 0 : -1} onFocus=${roving} data-testid="tile-open-${c.id}"><span class="sr">Enlarge ${c.name}</span></a>`}
      ${state.s === 'stalled' && html`<p class="tile-banner" role="status"><${Icon} name="warn" size=${16} />${sentence(state.text || 'The picture stands still')} Reconnecting…</p>`}
    </div>
    <footer class="tile-foot">
      ${large && html`<${IconButton} icon="grid" label="All cameras" onClick=${() => go('live')} testid="tile-back" />`}
      <span class="tile-name" title=${c.name}>${c.name}</span>
      <${StateChip} state=${shownState(c)} short />
      ${large && html`<${Why} c=${c} />`}
      <span class="tile-gap"></span>
      ${large && c.sub_url && html`<label class="pick small"><span class="sr">Stream</span><select value=${quality} data-testid="tile-stream" onChange=${(e: Event) => setQuality((e.target as HTMLSelectElement).value as 'auto')}>
        <option value="auto">Auto</option><option value="main">Main stream</option><option value="sub">Sub stream</option></select></label>`}
      ${large && html`<${IconButton} icon=${sound ? 'sound' : 'muted'} label="Sound" pressed=${sound} onClick=${() => setSound(!sound)} testid="tile-mute" />`}
      ${large && reports && html`<${IconButton} icon="record" label="Record now" onClick=${() => record(c)} testid="tile-record" />`}
      ${large && html`<${IconButton} icon="boxes" label="Boxes around what was seen" pressed=${boxes.value === 'on'} onClick=${() => (boxes.value = boxes.value === 'on' ? 'off' : 'on')} testid="tile-boxes" />`}
      <${IconButton} icon="playback" label="Playback of ${c.name}" onClick=${playback} testid="tile-playback-${c.id}" />
      ${large && html`<${IconButton} icon="full" label="Full screen" onClick=${full} testid="tile-fullscreen" />`}
    </footer>
  </article>`;
}

/** record asks for a recording by hand, and says how long it goes on. */
async function record(c: Camera) {
  try {
    const { until } = await api.trigger(c.id, 'by hand');
    say('good', `${c.name} is recorded until ${clock(Date.parse(until), zone.value)}.`);
  } catch (e) {
    say('error', (e as Error).message);
  }
}

/** Why says what asked for the recording that goes on. */
function Why({ c }: { c: Camera }) {
  const r = c.recording_now;
  const t = Date.parse(r?.until ?? '');
  if (!r?.active || !whyText(r.why)) return null;
  return html`<span class="tile-why">${whyText(r.why)}${Number.isFinite(t) ? `, until ${clock(t, zone.value)}` : ''}</span>`;
}

/** roving keeps exactly one tile in the order of Tab: the one last focused. */
function roving(e: FocusEvent) {
  for (const t of document.querySelectorAll<HTMLElement>('.tile-open')) t.tabIndex = t === e.target ? 0 : -1;
}

/** freshMinute makes the link ask for the minute before the click, not before the picture was drawn. */
const freshMinute = (id: string) => (e: MouseEvent) => {
  const to = boxNow.peek();
  (e.currentTarget as HTMLAnchorElement).href = footage.clipURL(id, to - 60_000, to);
};

/** Veil lies over a picture that is not there, and says why. */
function Veil({ c, state, text }: { c: Camera; state: LiveState; text: string }) {
  const since = c.state_since ? Date.parse(c.state_since) : NaN;
  const when = Number.isFinite(since) ? ` since ${clock(since, zone.value, false)}` : '';
  if (!hasPicture(c)) {
    const title = c.state === 'connecting' ? 'Connecting to the camera' : stateWord(c.state) + when;
    return html`<div class="veil veil-${c.state}"><i class="glyph glyph-${c.state}" aria-hidden="true"></i><b>${title}</b>${c.state_reason && html`<span>${sentence(c.state_reason)}</span>`}</div>`;
  }
  if (state === 'unsupported') {
    const from = boxNow.peek() - 60_000;
    return html`<div class="veil veil-codec" role="status" data-testid="unsupported-${c.id}"><${Icon} name="info" size=${22} /><b>This browser cannot show H.265</b>
      <span>${c.state === 'recording' ? 'It is recorded all the same.' : ''} ${c.sub_url ? '' : 'An H.264 sub stream, or another browser, shows it here.'}</span>
      <a class="button small" href=${footage.clipURL(c.id, from, from + 60_000)} onClick=${freshMinute(c.id)} download><${Icon} name="download" size=${16} /><span>Download the last minute</span></a></div>`;
  }
  if (state === 'failed') {
    return html`<div class="veil" role="status"><${Icon} name="warn" size=${22} /><b>No live picture</b><span>${sentence(text)} Trying again…</span></div>`;
  }
  if (state === 'connecting' || state === 'idle') return html`<div class="veil veil-wait"><i class="spin" aria-hidden="true"></i><span class="sr">Waiting for the picture</span></div>`;
  return null;
}
