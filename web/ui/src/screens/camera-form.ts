// The form for a new camera, and for changing one.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { ApiError, cameras as api } from '../api';
import { Icon } from '../icons';
import { go, href } from '../router';
import { panel, say, stale } from '../store';
import { reduce } from '../state';
import type { Camera } from '../types';
import { Choice, Field, Toggle } from '../ui/kit';
import { inputOf, valuesOf, type Values } from './camera-input';
import { Recording } from './camera-recording';
import { CameraTest } from './cameras';
import { checkRecording } from './record-mode';

const vendors = [
  { value: 'hikvision', label: 'Hikvision' },
  { value: 'dahua', label: 'Dahua' },
  { value: 'reolink', label: 'Reolink' },
  { value: 'axis', label: 'Axis' },
  { value: 'amcrest', label: 'Amcrest' },
  { value: 'tapo', label: 'Tapo' },
];

function check(v: Values): Record<string, string> {
  const bad: Record<string, string> = {};
  if (!v.name.trim()) bad.name = 'Give the camera a name.';
  if (v.way === 'vendor') {
    if (!v.vendor) bad.vendor = 'Choose the maker, or give the stream addresses.';
    if (!v.address.trim()) bad.address = 'Enter the camera’s address.';
  } else if (!/^rtsps?:\/\/./i.test(v.main.trim())) bad.main_url = 'Enter an address that begins with rtsp:// or rtsps://';
  return { ...bad, ...checkRecording(v) };
}

export function CameraForm({ camera }: { camera?: Camera }) {
  const [before, setBefore] = useState(() => valuesOf(camera));
  const [v, setV] = useState(before);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const [saved, setSaved] = useState<Camera | null>(null);
  const set = (k: keyof Values) => (x: string | boolean) => setV((o) => ({ ...o, [k]: x }));

  const submit = async (e: Event) => {
    e.preventDefault();
    const bad = check(v);
    setErrors(bad);
    if (Object.keys(bad).length) return focusOn(Object.keys(bad)[0]);
    setBusy(true);
    try {
      const target = camera ?? saved;
      const c = target ? await api.change(target.id, inputOf(v, before)) : await api.add(inputOf(v));
      if (c?.id) panel.value = reduce(panel.value, { v: 1, t: 'camera', d: c }, Date.now());
      say('good', target ? `${v.name.trim()} was saved.` : `${v.name.trim()} was added.`);
      setBefore({ ...v, pass: '' });
      setV({ ...v, pass: '' });
      if (camera) go('cameras');
      else setSaved(c);
    } catch (err) {
      const a = err as ApiError;
      setErrors({ [a.field ?? 'form']: a.message });
      focusOn(a.field ?? '');
    } finally {
      setBusy(false);
    }
  };

  const known = ['name', 'vendor', 'address', 'main_url', 'sub_url', 'username', 'password', 'volume', 'mirror', 'record_mode', 'schedule', 'preroll_s', 'postroll_s'];
  const rest = Object.entries(errors).filter(([k]) => !known.includes(k)).map(([, m]) => m).join(' ');
  return html`<main id="main" class="screen narrow">
    <header class="screen-head"><a class="ib" href="#/cameras" aria-label="Back to all cameras"><${Icon} name="back" /></a>
      <h1 tabIndex=${-1}>${camera ? `Edit ${camera.name}` : 'Add a camera'}</h1>
      ${camera && html`<a class="button form-zones" href=${href('cameras', camera.id, '', 'zones')} data-testid="camera-zones"><${Icon} name="zone" /><span>Zones</span></a>`}</header>
    <form class="form" onSubmit=${submit} noValidate>
      <div role="alert">${rest && html`<p class="form-error"><${Icon} name="warn" />${rest}</p>`}</div>
      <${Field} id="name" label="Name" value=${v.name} onInput=${set('name')} error=${errors.name} placeholder="Front door" testid="camera-name" />
      <fieldset><legend>Where it is</legend>
        <${Choice} label="How to find the camera" testid="camera-way" value=${v.way} onPick=${set('way')}
          options=${[{ value: 'vendor', label: 'By maker' }, { value: 'urls', label: 'By stream address' }]} />
        ${v.way === 'vendor' ? html`<${ByVendor} v=${v} set=${set} errors=${errors} />` : html`<${ByURL} v=${v} set=${set} errors=${errors} />`}
      </fieldset>
      <fieldset><legend>How to sign in to it</legend>
        <div class="pair">
          <${Field} id="username" label="User name" required=${false} value=${v.user} onInput=${set('user')} error=${errors.username} testid="camera-user" />
          <${Field} id="password" label="Password" type="password" required=${false} value=${v.pass} onInput=${set('pass')} error=${errors.password} autocomplete="new-password" testid="camera-pass"
            placeholder=${camera?.has_password ? 'unchanged' : ''} hint=${camera?.has_password ? 'One is stored. It is never shown; write a new one to replace it.' : undefined} />
        </div>
      </fieldset>
      <fieldset><legend>What to keep</legend>
        <${Toggle} id="record" label="Record" hint="Off: live view only." checked=${v.record} onChange=${set('record')} testid="camera-record" />
        <${Recording} v=${v} errors=${errors} onChange=${(c: Partial<Values>) => setV((o) => ({ ...o, ...c }))} />
        <${Disks} v=${v} set=${set} errors=${errors} />
        <${Toggle} id="audio" label="Sound" hint="Kept as the camera sends it." checked=${v.audio} onChange=${set('audio')} testid="camera-audio" />
      </fieldset>
      <div class="form-foot">
        <button type="submit" class="button primary" disabled=${busy || stale.value} data-testid="camera-save">${busy ? 'Saving…' : camera || saved ? 'Save' : 'Add camera'}</button>
        <a class="button" href="#/cameras">${saved ? 'Done' : 'Cancel'}</a>
      </div>
    </form>
    ${(saved ?? camera) && html`<section class="card" aria-labelledby="test-h"><h2 id="test-h">Connection</h2>
      <p class="muted">${saved ? 'The camera was added. This is what it answers:' : 'Tests what is saved, not what is typed above.'}</p>
      <${CameraTest} key=${saved?.id ?? camera!.id} id=${saved?.id ?? camera!.id} auto=${!!saved} /></section>`}
  </main>`;
}

type Part = { v: Values; set: (k: keyof Values) => (x: string | boolean) => void; errors: Record<string, string> };

function ByVendor({ v, set, errors }: Part) {
  return html`<div class="pair">
    <div class="field ${errors.vendor ? 'field-bad' : ''}"><label for="vendor">Maker</label>
      <div class="field-box"><select id="vendor" value=${v.vendor} data-testid="camera-vendor" aria-invalid=${errors.vendor ? 'true' : undefined} aria-describedby=${errors.vendor ? 'vendor-error' : undefined}
        onChange=${(e: Event) => set('vendor')((e.target as HTMLSelectElement).value)}>
        <option value="" selected=${!v.vendor}>Choose…</option>
        ${vendors.map((x) => html`<option value=${x.value} key=${x.value} selected=${v.vendor === x.value}>${x.label}</option>`)}
      </select></div>
      ${errors.vendor && html`<p class="field-error" id="vendor-error"><${Icon} name="warn" size=${16} />${errors.vendor}</p>`}
    </div>
    <${Field} id="address" label="Address" value=${v.address} onInput=${set('address')} error=${errors.address} mono placeholder="192.168.1.64" testid="camera-address"
      hint="IP address or name; with :port if it is not 554." />
  </div>`;
}

/** Disks asks where footage goes, if there is more than one place. */
function Disks({ v, set, errors }: Part) {
  const names = (panel.value.system.volumes ?? []).map((x) => x.name ?? '').filter(Boolean);
  if (names.length < 2 || !v.record) return null;
  return html`<div class="pair">
    <${Pick} id="volume" label="Disk" value=${v.volume} onPick=${set('volume')} error=${errors.volume} none="Any, by room" names=${names} />
    <${Pick} id="mirror" label="Second copy" value=${v.mirror} onPick=${set('mirror')} error=${errors.mirror} none="None" names=${names.filter((n) => n !== v.volume)} />
  </div>`;
}

function Pick({ id, label, value, onPick, error, none, names }: { id: string; label: string; value: string; onPick: (s: string) => void; error?: string; none: string; names: string[] }) {
  return html`<div class="field ${error ? 'field-bad' : ''}"><label for=${id}>${label}</label>
    <div class="field-box"><select id=${id} data-testid="camera-${id}" aria-invalid=${error ? 'true' : undefined} aria-describedby=${error ? `${id}-error` : undefined}
      onChange=${(e: Event) => onPick((e.target as HTMLSelectElement).value)}>
      <option value="" selected=${!value}>${none}</option>
      ${names.map((n) => html`<option value=${n} key=${n} selected=${value === n}>${n}</option>`)}
    </select></div>
    ${error && html`<p class="field-error" id="${id}-error"><${Icon} name="warn" size=${16} />${error}</p>`}
  </div>`;
}

function ByURL({ v, set, errors }: Part) {
  return html`<${Field} id="main_url" label="Main stream, recorded" value=${v.main} onInput=${set('main')} error=${errors.main_url} mono placeholder="rtsp://192.168.1.64:554/stream1" testid="camera-main-url" />
    <${Field} id="sub_url" label="Sub stream, for the grid" required=${false} value=${v.sub} onInput=${set('sub')} error=${errors.sub_url} mono placeholder="rtsp://192.168.1.64:554/stream2" testid="camera-sub-url"
      hint="A smaller H.264 picture. It saves the network and shows where H.265 cannot." />`;
}

const focusOn = (name: string) => name && setTimeout(() => document.getElementById(name)?.focus());
