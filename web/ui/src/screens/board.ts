// The board as it stands on the shelf: lights that show what they show there,
// and buttons that can be pressed from here.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { stamp } from '../format';
import { gestures, lights, patterns } from '../lights';
import { mayOperate } from '../roles';
import { panel, say, stale, tick, user, zone } from '../store';
import { socket } from '../socket';
import type { BoardButton, Led } from '../types';

const colours = ['red', 'green', 'blue', 'amber', 'yellow', 'white', 'orange'];

export const holdFor = (ms: number) => gestures.find((h) => ms >= h.ms) ?? gestures[gestures.length - 1];

export function BoardView() {
  const b = panel.value.board;
  return html`<section class="card board" aria-labelledby="board-h"><h2 id="board-h">Board</h2>
    <div class="board-face">
      ${(b.leds ?? []).length > 0 && html`<ul class="leds">${(b.leds ?? []).map((l) => html`<${Light} key=${l.name} l=${l} />`)}</ul>`}
      <${Watchdog} />
      <${Temperatures} />
      ${(b.buttons ?? []).map((x) => (b.board === 'sim' && mayOperate(user.value?.role) ? html`<${Press} key=${x.name} b=${x} />` : html`<${Does} key=${x.name} b=${x} />`))}
      ${b.board === 'generic' && html`<p class="muted small" data-testid="board-unknown">This machine is no board that is known here. It records all the same; lights and a button can be named in its configuration.</p>`}
      ${(b.leds ?? []).length > 0 && html`<${Meaning} />`}
      ${!b.leds?.length && !b.buttons?.length && html`<p class="muted">This board reports no lights and no buttons.</p>`}
    </div>
  </section>`;
}

/** Gestures says what each of them does. */
const Gestures = () => html`<dl class="press-does">${[...gestures].reverse().map((h) => html`<div key=${h.ms}><dt>${h.name}</dt><dd>${h.does}</dd></div>`)}</dl>`;

/** Does says what a button of a real board does: it is pressed by hand. */
function Does({ b }: { b: BoardButton }) {
  return html`<div class="press-ways"><p class="press-says"><b>${b.label || b.name}</b></p><${Gestures} /></div>`;
}

/** Meaning says what the lights tell. */
const Meaning = () => html`<details class="lights-mean" data-testid="lights-mean"><summary>What the lights say</summary>
  <div class="table-box"><table class="table"><thead><tr><th scope="col">Status</th><th scope="col">Fault</th><th scope="col">Means</th></tr></thead>
    <tbody>${lights.map((l) => html`<tr key=${l.state}><td>${patterns[l.status]}</td><td>${patterns[l.fault]}</td><td>${l.means}</td></tr>`)}</tbody></table></div></details>`;

function Light({ l }: { l: Led }) {
  const colour = colours.includes((l.color ?? '').toLowerCase()) ? l.color!.toLowerCase() : 'white';
  const pattern = l.on === false && l.pattern === 'solid' ? 'off' : l.pattern;
  return html`<li class="led" data-testid="led-${l.name}" data-pattern=${pattern}>
    <span class="led-lens led-${colour} led-p-${pattern}" aria-hidden="true"></span>
    <span><b>${l.label || l.name}</b><small>${patterns[pattern] ?? pattern}</small></span>
  </li>`;
}

function Temperatures() {
  const list = panel.value.board.temperatures ?? [];
  if (list.length === 0) return null;
  return html`<p class="muted small" data-testid="temperatures">${list.map((t) => `${t.name} ${t.celsius} °C`).join(' · ')}</p>`;
}

function Watchdog() {
  const w = panel.value.board.watchdog;
  if (!w) return null;
  const left = Math.max(0, w.left_s - (stale.value ? 0 : (tick.value - panel.value.boardAt) / 1000));
  const share = w.timeout_s > 0 ? Math.min(1, left / w.timeout_s) : 0;
  const length = 2 * Math.PI * 17;
  return html`<div class="dog" data-testid="watchdog">
    <svg width="44" height="44" viewBox="0 0 44 44" aria-hidden="true"><circle class="dog-track" cx="22" cy="22" r="17" /><circle class="dog-left ${share < 0.34 ? 'is-low' : ''}" cx="22" cy="22" r="17"
      stroke-dasharray=${length} stroke-dashoffset=${length * (1 - share)} /></svg>
    <span><b>Watchdog</b><small>${Math.ceil(left)} s of ${w.timeout_s} s left${w.resets !== undefined ? `, ${w.resets} ${w.resets === 1 ? 'reset' : 'resets'}` : ''}</small>
      ${w.hung && w.hung.length > 0 && html`<small data-testid="watchdog-hung">It restarted the machine${w.hung_at ? ` at ${stamp(Date.parse(w.hung_at), zone.value)}` : ''}: ${w.hung.map((h) => `${h.check}: ${h.reason}`).join('; ')}</small>`}</span>
  </div>`;
}

function send(b: BoardButton, ms: number) {
  if (!socket.send('board.press', { button: b.name, ms: Math.round(ms) })) {
    say('error', 'Not connected: the button was not pressed.');
    return;
  }
  say('info', `${b.label || b.name}: ${holdFor(ms).name.toLowerCase()}. ${holdFor(ms).does}.`);
}

function Press({ b }: { b: BoardButton }) {
  const [held, setHeld] = useState<number | null>(null);
  const began = useRef(0);
  const timer = useRef(0);
  useEffect(() => () => clearInterval(timer.current), []);
  const down = () => {
    if (began.current || stale.value) return;
    began.current = performance.now();
    setHeld(0);
    timer.current = window.setInterval(() => setHeld(performance.now() - began.current), 50);
  };
  const up = (really: boolean) => {
    if (!began.current) return;
    const ms = performance.now() - began.current;
    began.current = 0;
    clearInterval(timer.current);
    setHeld(null);
    // A quick click is meant: what the board takes for a bounce it is not.
    if (really) send(b, Math.max(100, ms));
  };
  const key = (e: KeyboardEvent) => {
    if (e.key !== ' ' && e.key !== 'Enter') return;
    e.preventDefault();
    if (e.type === 'keydown' && !e.repeat) down();
    if (e.type === 'keyup') up(true);
  };
  const grab = (e: PointerEvent) => {
    if (e.button !== 0) return;
    (e.currentTarget as HTMLElement).setPointerCapture(e.pointerId);
    down();
  };
  const length = 2 * Math.PI * 34;
  return html`<div class="press">
    <button type="button" class="press-cap ${held !== null ? 'is-down' : ''}" disabled=${stale.value} data-testid="board-button-${b.name}"
      aria-label="${b.label || b.name}: press, or hold 3 or 10 seconds" onKeyDown=${key} onKeyUp=${key} onBlur=${() => up(false)}
      onPointerDown=${grab} onPointerUp=${() => up(true)} onPointerCancel=${() => up(false)} onContextMenu=${(e: Event) => e.preventDefault()}>
      <svg viewBox="0 0 76 76" aria-hidden="true"><circle class="press-track" cx="38" cy="38" r="34" /><circle class="press-held" cx="38" cy="38" r="34"
        stroke-dasharray=${length} stroke-dashoffset=${length * (1 - Math.min(1, (held ?? 0) / 10_000))} /></svg>
      <span>${held === null ? b.label || b.name : `${(held / 1000).toFixed(1)} s`}</span>
    </button>
    <div class="press-ways">
      <p class="press-says" role="status">${held === null ? 'Press and hold as on the box, or choose:' : `Let go: ${holdFor(held).does.toLowerCase()}`}</p>
      <div class="press-row">${[...gestures].reverse().map((h) => html`<button type="button" key=${h.ms} class="button small" disabled=${stale.value} title=${h.does}
        onClick=${() => send(b, h.ms || 100)} data-testid="board-${b.name}-${h.ms}">${h.name}</button>`)}</div>
      <${Gestures} />
    </div>
  </div>`;
}
