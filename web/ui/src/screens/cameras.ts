// Cameras: what there is, how each is doing, and the way to more.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { cameras as api, type TestResult } from '../api';
import { ago, bitrate, codecLabel, sentence } from '../format';
import { Icon } from '../icons';
import { go, href, route } from '../router';
import { mayAdd, mayManage } from '../roles';
import { boxNow, cameraList, panel, say, stale, user } from '../store';
import { reduce } from '../state';
import type { Camera } from '../types';
import { Ask } from '../ui/ask';
import { Dialog, Empty, hasPicture, IconButton, shownState, StateChip } from '../ui/kit';
import { later } from '../later';
import { CameraForm } from './camera-form';

const ZonesScreen = later(() => import('./zones').then((m) => m.ZonesScreen));

export function CamerasScreen() {
  const list = cameraList.value;
  const arg = route.value.arg;
  const edited = list.find((c) => c.id === arg);
  const manages = mayManage(user.value?.role);
  const adds = mayAdd(user.value);
  if (arg === 'new' && adds) return html`<${CameraForm} key="new" />`;
  if (edited && route.value.part === 'zones') return html`<${ZonesScreen} key=${`${edited.id}/zones`} camera=${edited} />`;
  if (edited && manages) return html`<${CameraForm} key=${edited.id} camera=${edited} />`;
  return html`<main id="main" class="screen">
    <header class="screen-head"><h1 tabIndex=${-1}>Cameras</h1>
      ${adds && html`<a class="button primary" href="#/cameras/new" data-testid="camera-add"><${Icon} name="plus" /><span>Add a camera</span></a>`}</header>
    ${list.length === 0
      ? html`<${Empty} title="No cameras yet"><p>${adds ? 'You need the camera\'s address on your network, its user name and its password.' : 'Whoever looks after this recorder adds them, or lets you see them.'}</p><//>`
      : html`<ul class="cams">${list.map((c) => html`<${CameraRow} key=${c.id} c=${c} />`)}</ul>`}
  </main>`;
}

/** facts puts what is known of a stream into one line. */
export function facts(c: { codec?: string; width?: number; height?: number; fps?: number; bitrate_bps?: number }): string {
  return [
    c.codec && codecLabel(c.codec),
    c.width && c.height ? `${c.width} × ${c.height}` : '',
    c.fps ? `${Math.round(c.fps * 10) / 10} fps` : '',
    c.bitrate_bps ? bitrate(c.bitrate_bps) : '',
  ].filter(Boolean).join(' · ');
}

function lastSeen(c: Camera): string {
  const t = c.last_written ? Date.parse(c.last_written) : NaN;
  return Number.isFinite(t) ? `Last recorded ${ago(boxNow.value - t)}` : 'No picture seen yet';
}

function CameraRow({ c }: { c: Camera }) {
  const [removing, setRemoving] = useState(false);
  const [testing, setTesting] = useState(false);
  return html`<li class="cam" data-testid="camera-${c.id}">
    <div class="cam-main">
      <h2>${c.name}</h2>
      <${StateChip} state=${shownState(c)} />
      ${c.state_reason && c.state !== 'recording' && html`<p class="cam-why cam-why-${shownState(c)}">${sentence(c.state_reason)}</p>`}
      <p class="cam-facts">${(hasPicture(c) && facts(c)) || html`<span class="muted">${lastSeen(c)}</span>`}</p>
      <p class="cam-url mono">${c.main_url || c.address || ''}</p>
    </div>
    <div class="cam-tools">
      <a class="ib ib-text" href=${href('cameras', c.id, '', 'zones')} data-testid="camera-zones-${c.id}"><${Icon} name="zone" /><span>Zones</span><span class="sr"> of ${c.name}</span></a>
      ${mayManage(user.value?.role) && html`      <${IconButton} icon="probe" label="Test" text onClick=${() => setTesting(true)} disabled=${stale.value} testid="camera-test-${c.id}" />
      <a class="ib ib-text" href="#/cameras/${encodeURIComponent(c.id)}" data-testid="camera-edit-${c.id}"><${Icon} name="edit" /><span>Edit</span><span class="sr"> ${c.name}</span></a>
      <${IconButton} icon="trash" label="Remove" text onClick=${() => setRemoving(true)} disabled=${stale.value} testid="camera-delete-${c.id}" />`}
    </div>
    ${testing && html`<${TestDialog} c=${c} onClose=${() => setTesting(false)} />`}
    ${removing && html`<${RemoveDialog} c=${c} onClose=${() => setRemoving(false)} />`}
  </li>`;
}

function TestDialog({ c, onClose }: { c: Camera; onClose: () => void }) {
  return html`<${Dialog} title="Test ${c.name}" onClose=${onClose} testid="test-dialog"><${CameraTest} id=${c.id} auto /><//>`;
}

/** CameraTest opens the camera's stream and says what it found, step by step. */
export function CameraTest({ id, auto = false }: { id: string; auto?: boolean }) {
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<TestResult | null>(null);
  const [begun, setBegun] = useState(false);
  const run = async () => {
    setBusy(true);
    setResult(null);
    try {
      setResult(await api.test(id));
    } catch (e) {
      setResult({ ok: false, reason: (e as Error).message });
    } finally {
      setBusy(false);
    }
  };
  if (auto && !begun) {
    setBegun(true);
    void run();
  }
  return html`<div class="test" data-testid="test-result" data-ok=${result ? String(passed(result)) : ''}>
    <div role="status" aria-live="polite">
      ${busy && html`<p class="test-wait"><i class="spin" aria-hidden="true"></i>Opening the stream. This takes up to 12 seconds.</p>`}
      ${result && html`<${TestAnswer} r=${result} />`}
    </div>
    ${!busy && html`<button type="button" class="button" onClick=${run}>${result ? 'Test again' : 'Test the connection'}</button>`}
  </div>`;
}

const passed = (r: TestResult) => r.ok ?? !(r.error || r.reason);

function reasonOf(r: TestResult): string {
  if (r.reason) return r.reason;
  if (typeof r.error === 'string') return r.error;
  return r.error?.message ?? 'The camera sent no picture.';
}

function TestAnswer({ r }: { r: TestResult }) {
  const ok = passed(r);
  const audio = r.audio === true ? 'yes' : r.audio ? codecLabel(r.audio) : 'none';
  return html`
    <p class="verdict ${ok ? 'verdict-ok' : 'verdict-bad'}"><${Icon} name=${ok ? 'check' : 'cross'} /><b>${ok ? 'The camera answers and sends a picture' : 'No picture'}</b></p>
    ${r.steps?.length ? html`<ol class="steps">${r.steps.map((s) => html`<li key=${s.name} class=${s.ok ? 'step-ok' : 'step-bad'}>
      <${Icon} name=${s.ok ? 'check' : 'cross'} size=${16} /><span><span class="sr">${s.ok ? 'Passed: ' : 'Failed: '}</span>${s.name}${s.detail && html` <em>${s.detail}</em>`}${!s.ok && s.hint && html`<small>${s.hint}</small>`}</span>
      ${s.ms !== undefined && html`<span class="mono muted">${s.ms} ms</span>`}</li>`)}</ol>` : null}
    ${ok
      ? html`<dl class="facts"><div><dt>Video</dt><dd>${facts(r) || 'not reported'}</dd></div><div><dt>Audio</dt><dd>${audio}</dd></div>
          ${typeof r.ms === 'number' && html`<div><dt>Took</dt><dd>${(r.ms / 1000).toFixed(1)} s</dd></div>`}</dl>`
      : html`<p>${sentence(reasonOf(r))}</p>`}`;
}

function RemoveDialog({ c, onClose }: { c: Camera; onClose: () => void }) {
  const remove = async () => {
    await api.remove(c.id);
    panel.value = reduce(panel.value, { v: 1, t: 'camera.removed', d: { id: c.id } }, Date.now());
    say('good', `${c.name} was removed.`);
    go('cameras');
  };
  return html`<${Ask} title="Remove ${c.name}?" verb="Remove camera" keep="Keep it" waits="Removing…" act=${remove} onClose=${onClose} testid="remove">
    <p>Vedette stops recording this camera and forgets its address and password.</p>
    <p class="muted">Its footage is no longer shown here, and stays on the disk until it is the oldest there. Download what you need first.</p>
  <//>`;
}
