// What looks at the pictures: tasks, the samplers that make pictures for them, and the workers that take them.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { ago, clock, plural, sentence } from '../format';
import { Icon } from '../icons';
import { changed, tasks as api, type Sampler, type Task, type TaskInput, type Worker } from '../perception';
import { mayManage, mayOperate } from '../roles';
import { boxNow, cameraList, say, stale, user, zone } from '../store';
import { Ask } from '../ui/ask';
import { Dialog, Field, Toggle } from '../ui/kit';
import { Select } from '../zones/form';

const nameOf = (id: string) => cameraList.value.find((c) => c.id === id)?.name ?? id;
const watchMs = 5000;

const samplerStates: Record<string, string> = {
  connecting: 'Connecting', sampling: 'Sampling', offline: 'Camera offline', error: 'Error', stopped: 'Stopped', budget_exhausted: 'No room in the budget',
};

/** AiCard is left out by a recorder that knows nothing of it. */
export function AiCard() {
  const [tasks, setTasks] = useState<Task[]>([]);
  const [samplers, setSamplers] = useState<Sampler[] | null>(null);
  const [workers, setWorkers] = useState<Worker[]>([]);
  const [edit, setEdit] = useState<Task | 'new' | null>(null);
  const [gone, setGone] = useState<Task | null>(null);
  const manages = mayManage(user.value?.role);
  const ids = cameraList.value.map((c) => c.id).join(' ');
  const load = async () => {
    setSamplers(await api.samplers());
    if (!manages) return;
    const [lists, ws] = await Promise.all([Promise.all(ids.split(' ').filter(Boolean).map((c) => api.list(c).catch(() => []))), api.workers().catch(() => [])]);
    setTasks(lists.flat());
    setWorkers(ws);
  };
  useEffect(() => {
    let known = true;
    const ask = () => {
      if (known && !document.hidden) load().catch((e: ApiError) => (known = ![403, 404, 501].includes(e.status)));
    };
    ask();
    const t = setInterval(ask, watchMs);
    return () => clearInterval(t);
  }, [ids, manages]);
  if (!samplers || (!manages && !samplers.length)) return null;
  const close = () => [setEdit(null), setGone(null), void load().catch(() => undefined)];
  const held = new Map(workers.flatMap((w) => (w.leases ?? []).flatMap((l) => l.task_ids.map((t): [string, string] => [t, w.worker_id]))));
  return html`<section class="card span2" aria-labelledby="ai-h" data-testid="ai"><h2 id="ai-h">What looks at the pictures</h2>
    ${manages && html`<${Tasks} list=${tasks} held=${held} onEdit=${setEdit} onGone=${setGone} onChanged=${close} />`}
    <${Samplers} list=${samplers} />
    ${manages && html`<${Workers} list=${workers} />`}
    ${edit && html`<${TaskDialog} t=${edit === 'new' ? null : edit} onClose=${close} />`}
    ${gone && html`<${Ask} title="Remove this task?" verb="Remove task" act=${() => api.remove(gone.id)} onClose=${close} testid="task-gone"><p>Nobody looks for ${gone.task_type} on ${nameOf(gone.camera_id)} any more. Zones there see nothing of it.</p><//>`}
  </section>`;
}

function Tasks({ list, held, onEdit, onGone, onChanged }: { list: Task[]; held: Map<string, string>; onEdit: (t: Task | 'new') => void; onGone: (t: Task) => void; onChanged: () => void }) {
  const flip = (t: Task) => api.change(t.id, { enabled: !t.enabled }).then(onChanged, (e) => say('error', e.message));
  return html`<h3>Tasks</h3>
    ${!list.length ? html`<p class="muted">None yet. A task says what is looked for on a camera; a worker, a program on another machine or this one, does it.</p>` : html`<div class="table-box"><table class="table stackable" data-testid="tasks">
      <thead><tr><th scope="col">Camera</th><th scope="col">Looks for</th><th scope="col">Pictures</th><th scope="col">Done by</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${list.map((t) => html`<tr key=${t.id} data-testid="task-${t.camera_id}-${t.task_type}"><th scope="row">${nameOf(t.camera_id)}</th><td data-label="Looks for">${t.task_type} ${!t.enabled && html`<span class="tag">switched off</span>`}</td>
        <td data-label="Pictures">${t.stream_profile} stream, ${t.fps} a second, ${t.width} wide</td>
        <td data-label="Done by">${held.get(t.id) ?? (t.enabled ? html`<span class="warnline"><${Icon} name="warn" size=${14} /> nobody</span>` : '–')}</td>
        <td class="actions"><button type="button" class="button small" disabled=${stale.value} onClick=${() => flip(t)}>${t.enabled ? 'Switch off' : 'Switch on'}<span class="sr"> ${t.task_type} on ${nameOf(t.camera_id)}</span></button>
          <button type="button" class="button small" disabled=${stale.value} onClick=${() => onEdit(t)}>Change…<span class="sr"> ${t.task_type} on ${nameOf(t.camera_id)}</span></button>
          <button type="button" class="button small" disabled=${stale.value} onClick=${() => onGone(t)}>Remove…<span class="sr"> ${t.task_type} on ${nameOf(t.camera_id)}</span></button></td></tr>`)}</tbody></table></div>`}
    <p><button type="button" class="button" disabled=${stale.value || !cameraList.value.length} onClick=${() => onEdit('new')} data-testid="task-add">Add a task…</button></p>`;
}

function Samplers({ list }: { list: Sampler[] }) {
  if (!list.length) return null;
  return html`<h3>Pictures for them</h3><div class="table-box"><table class="table stackable" data-testid="samplers">
    <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Pictures</th><th scope="col">Last one</th><th scope="col">Restarts</th></tr></thead>
    <tbody>${list.map((s) => html`<tr key=${s.camera_id + s.stream_profile} data-testid="sampler-${s.camera_id}-${s.stream_profile}"><th scope="row">${nameOf(s.camera_id)} <small class="muted">${s.stream_profile}</small></th>
      <td data-label="State"><span class="tag ${s.state === 'sampling' ? 'tag-good' : s.state === 'connecting' || s.state === 'stopped' ? '' : 'tag-bad'}"><${Icon} name=${s.state === 'sampling' ? 'check' : s.state === 'connecting' ? 'clock' : 'warn'} size=${14} />${samplerStates[s.state] ?? s.state}</span>${s.reason && html`<small class="why">${sentence(s.reason)}</small>`}</td>
      <td data-label="Pictures">${s.fps ? `${Math.round(s.fps * 10) / 10} a second, ${s.width} wide` : '–'}</td><td data-label="Last one">${s.last_frame_at ? ago(boxNow.value - Date.parse(s.last_frame_at)) : 'none yet'}</td><td data-label="Restarts" class="mono">${s.restarts ?? 0}</td></tr>`)}</tbody></table></div>`;
}

function Workers({ list }: { list: Worker[] }) {
  return html`<h3>Workers</h3>
    ${!list.length ? html`<p class="muted">None has called yet. A worker needs this recorder’s address and a key with the role worker: ${mayOperate(user.value?.role) ? html`<a href="#/settings/keys">make one in the settings</a>` : 'an administrator makes one'}.</p>` : html`<div class="table-box"><table class="table stackable" data-testid="workers">
      <thead><tr><th scope="col">Worker</th><th scope="col">Key</th><th scope="col">Last heard</th><th scope="col">Tasks</th><th scope="col">Until</th></tr></thead>
      <tbody>${list.map((w) => html`<tr key=${w.key_id + w.worker_id} data-testid="worker-${w.worker_id}"><th scope="row">${w.worker_id} ${w.live ? html`<span class="tag tag-good"><${Icon} name="check" size=${14} />there</span>` : html`<span class="tag tag-bad"><${Icon} name="warn" size=${14} />silent</span>`}</th>
        <td data-label="Key">${w.key_name || html`<span class="mono">${w.key_id}</span>`}</td><td data-label="Last heard">${ago(boxNow.value - Date.parse(w.seen_at))}</td>
        <td data-label="Tasks">${plural((w.leases ?? []).reduce((n, l) => n + l.task_ids.length, 0), 'task')}</td>
        <td data-label="Until" class="mono">${(w.leases ?? []).map((l) => clock(Date.parse(l.expires_at), zone.value)).join(', ') || '–'}</td></tr>`)}</tbody></table></div>`}`;
}

function TaskDialog({ t, onClose }: { t: Task | null; onClose: () => void }) {
  const [camera, setCamera] = useState(t?.camera_id ?? cameraList.value[0]?.id ?? '');
  const [type, setType] = useState(t?.task_type ?? 'detection');
  const [profile, setProfile] = useState<string>(t?.stream_profile ?? 'sub');
  const [fps, setFps] = useState(String(t?.fps ?? 5));
  const [width, setWidth] = useState(String(t?.width ?? 640));
  const [config, setConfig] = useState(JSON.stringify(t?.config ?? {}));
  const [enabled, setEnabled] = useState(t?.enabled ?? true);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const submit = async (e: Event) => {
    e.preventDefault();
    let parsed: Record<string, unknown>;
    try {
      parsed = JSON.parse(config || '{}');
      if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw 0;
    } catch {
      return setErrors({ config: 'This is not a JSON object, as {"classes": ["person"]}.' });
    }
    const input: TaskInput = { task_type: type.trim(), stream_profile: profile as 'sub', fps: Number(fps.replace(',', '.')), width: Number(width), config: parsed, enabled };
    if (!(input.fps >= 0.1 && input.fps <= 30)) return setErrors({ fps: 'Enter a number from 0.1 to 30.' });
    if (!(input.width >= 160 && input.width <= 3840)) return setErrors({ width: 'Enter a number from 160 to 3840.' });
    setBusy(true);
    try {
      if (t) await api.change(t.id, changed(input, { task_type: t.task_type, stream_profile: t.stream_profile, fps: t.fps, width: t.width, config: t.config ?? {}, enabled: t.enabled }));
      else await api.add(camera, input);
      onClose();
    } catch (err) {
      const a = err as ApiError;
      setErrors({ [a.field ?? 'form']: a.message });
    } finally {
      setBusy(false);
    }
  };
  const rest = Object.entries(errors).filter(([k]) => !['task_type', 'stream_profile', 'fps', 'width', 'config'].includes(k)).map(([, m]) => m).join(' ');
  return html`<${Dialog} title=${t ? 'Change the task' : 'Add a task'} onClose=${onClose} testid="task-dialog"><form class="ask" onSubmit=${submit}>
    ${t ? html`<p>${t.task_type} on ${nameOf(t.camera_id)}, from the ${t.stream_profile} stream</p>` : html`<${Select} id="task-camera" label="Camera" value=${camera} onPick=${setCamera} options=${cameraList.value.map((c) => [c.id, c.name])} />`}
    ${!t && html`<${Field} id="task_type" label="Looks for" value=${type} onInput=${setType} error=${errors.task_type} mono testid="task-type" hint="What your workers know it by, as detection or anpr." />
    <${Select} id="stream_profile" label="From" value=${profile} onPick=${setProfile} error=${errors.stream_profile} options=${[['sub', 'The sub stream'], ['main', 'The main stream']]} />`}
    <div class="pair"><${Field} id="fps" label="Pictures a second" value=${fps} onInput=${setFps} error=${errors.fps} inputmode="decimal" testid="task-fps" />
      <${Field} id="width" label="Width, pixels" value=${width} onInput=${setWidth} error=${errors.width} inputmode="numeric" testid="task-width" /></div>
    <${Field} id="config" label="For the worker" required=${false} value=${config} onInput=${setConfig} error=${errors.config} mono testid="task-config" hint="A JSON object that workers are handed as it is." />
    <${Toggle} id="task-on" label="Switched on" checked=${enabled} onChange=${setEnabled} testid="task-on" />
    <div role="alert">${rest && html`<p class="form-error"><${Icon} name="warn" />${rest}</p>`}</div>
    <div class="dialog-foot"><button type="button" class="button" onClick=${onClose}>Cancel</button><button type="submit" class="button primary" disabled=${busy || !type.trim() || !camera} data-testid="task-save">Save</button></div>
  </form><//>`;
}
