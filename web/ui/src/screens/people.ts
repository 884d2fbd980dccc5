// Who may come in: people, their sessions, and the keys of machines. For administrators.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { camerasText, keys as keysAPI, people as api, roleWords, type Key, type MachineRole, type Person, type PersonRole, type Session } from '../access';
import { ago, day } from '../format';
import { boxNow, cameraList, say, stale, user, zone } from '../store';
import { Ask, useTry, Wrong } from '../ui/ask';
import { copy } from '../ui/hand';
import { Dialog, Field, Toggle } from '../ui/kit';
import { SessionTable } from './settings';

const nameOf = (id: string) => cameraList.value.find((c) => c.id === id)?.name ?? id;
const personRoles: PersonRole[] = ['admin', 'manager', 'guard', 'viewer'];
const machineRoles: MachineRole[] = ['worker', 'metrics', 'relay', 'integration'];

/** Cameras picks all cameras, or some. */
function Cameras({ value, onChange }: { value: string[] | undefined; onChange: (v: string[] | undefined) => void }) {
  const flip = (id: string, on: boolean) => onChange(on ? [...(value ?? []), id] : (value ?? []).filter((c) => c !== id));
  return html`<${Toggle} id="all-cameras" label="All cameras" hint="Those that are added later too." checked=${!value} onChange=${(on: boolean) => onChange(on ? undefined : [])} testid="all-cameras" />
    ${value && html`<fieldset class="picks"><legend>These cameras</legend>${cameraList.value.map((c) => html`<label key=${c.id}><input type="checkbox" checked=${value.includes(c.id)}
      onChange=${(e: Event) => flip(c.id, (e.target as HTMLInputElement).checked)} data-testid="pick-${c.id}" /> ${c.name}</label>`)}</fieldset>`}`;
}

function Roles<R extends PersonRole | MachineRole>({ roles, value, onChange }: { roles: R[]; value: R; onChange: (r: R) => void }) {
  return html`<div class="field"><label for="role">Role</label>
    <select id="role" value=${value} aria-describedby="role-hint" onChange=${(e: Event) => onChange((e.target as HTMLSelectElement).value as R)} data-testid="role">
      ${roles.map((r) => html`<option key=${r} value=${r}>${r}</option>`)}</select><p class="field-hint" id="role-hint">${roleWords[value]}</p></div>`;
}

export function PeopleCard() {
  const [list, setList] = useState<Person[]>([]);
  const [sessions, setSessions] = useState<Session[]>([]);
  const [edit, setEdit] = useState<Person | 'new' | null>(null);
  const [gone, setGone] = useState<Person | null>(null);
  const load = () => Promise.all([api.list().then(setList), api.sessions().then(setSessions)]).catch((e) => say('error', e.message));
  useEffect(() => void load(), []);
  const close = () => [setEdit(null), setGone(null), void load()];
  const end = (s: Session) => api.end(s.id).then(load, (e) => say('error', e.message));
  return html`<section class="card span2" aria-labelledby="people-h"><h2 id="people-h">People</h2>
    <div class="table-box"><table class="table stackable" data-testid="people">
      <thead><tr><th scope="col">Who</th><th scope="col">Role</th><th scope="col">Sees</th><th scope="col">Last here</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${list.map((p) => html`<tr key=${p.username} data-testid="person-${p.username}">
        <th scope="row">${p.username} ${p.disabled && html`<span class="tag">switched off</span>`} ${p.totp && html`<span class="tag">second factor</span>`}</th>
        <td data-label="Role">${p.role}</td><td data-label="Sees">${camerasText(p.cameras, nameOf)}</td>
        <td data-label="Last here">${p.last_login ? ago(boxNow.value - Date.parse(p.last_login)) : 'never'}</td>
        <td class="actions"><button type="button" class="button small" disabled=${stale.value} onClick=${() => setEdit(p)} data-testid="person-edit-${p.username}">Change…</button>
          ${p.username !== user.value?.username && html` <button type="button" class="button small" disabled=${stale.value} onClick=${() => setGone(p)} data-testid="person-remove-${p.username}">Remove…</button>`}</td></tr>`)}</tbody>
    </table></div>
    <p><button type="button" class="button" disabled=${stale.value} onClick=${() => setEdit('new')} data-testid="person-add">Add somebody…</button></p>
    <h3>Signed in now</h3>
    <${SessionTable} list=${sessions} named onEnd=${end} testid="all-sessions" />
    ${edit && html`<${PersonDialog} p=${edit === 'new' ? null : edit} onClose=${close} />`}
    ${gone && html`<${Ask} title="Remove ${gone.username}?" verb="Remove" act=${() => api.remove(gone.username)} onClose=${close} testid="person-remove">
      <p>They are signed out everywhere at once. What they did stays in the audit.</p><//>`}
  </section>`;
}

function PersonDialog({ p, onClose }: { p: Person | null; onClose: () => void }) {
  const [name, setName] = useState(p?.username ?? '');
  const [role, setRole] = useState<PersonRole>(p?.role ?? 'viewer');
  const [cameras, setCameras] = useState(p?.cameras);
  const [pass, setPass] = useState('');
  const [disabled, setDisabled] = useState(p?.disabled ?? false);
  const [keep, setKeep] = useState(true);
  const { busy, error, go } = useTry();
  // An admin sees all of them.
  const seen = role === 'admin' ? undefined : cameras;
  const save = () => {
    if (!p) return api.add({ username: name.trim(), role, password: pass, ...(seen && { cameras: seen }) });
    const c: Parameters<typeof api.change>[1] = {};
    if (role !== p.role) c.role = role;
    if (JSON.stringify(seen) !== JSON.stringify(p.cameras)) c.cameras = seen ?? null;
    if (disabled !== p.disabled) c.disabled = disabled;
    if (pass) c.password = pass;
    if (!keep) c.totp = false;
    return Object.keys(c).length ? api.change(p.username, c) : Promise.resolve();
  };
  const submit = async (e: Event) => {
    e.preventDefault();
    if (await go(save)) onClose();
  };
  return html`<${Dialog} title=${p ? p.username : 'Add somebody'} onClose=${onClose} testid="person-dialog"><form class="ask" onSubmit=${submit}>
    ${!p && html`<${Field} id="person-name" label="User name" value=${name} onInput=${setName} testid="person-name" />`}
    <${Roles} roles=${personRoles} value=${role} onChange=${setRole} />
    ${role !== 'admin' && html`<${Cameras} value=${cameras} onChange=${setCameras} />`}
    <${Field} id="person-pass" label=${p ? 'New password' : 'Password'} required=${p ? false : undefined} type="password" value=${pass} onInput=${setPass} autocomplete="new-password" testid="person-pass" hint="At least 8 characters." />
    ${p && html`<${Toggle} id="person-off" label="Switched off" hint="Cannot sign in, and is signed out everywhere." checked=${disabled} onChange=${setDisabled} testid="person-off" />`}
    ${p?.totp && html`<${Toggle} id="person-second" label="Second factor" hint="Switch it off for somebody who lost their app." checked=${keep} onChange=${setKeep} />`}
    ${p && html`<p class="muted small">A change of role, cameras or password signs them out everywhere.</p>`}
    <${Wrong} error=${error} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${onClose}>Leave it</button>
      <button type="submit" class="button primary" disabled=${busy || (!p && (!name.trim() || [...pass].length < 8))} data-testid="person-save">Save</button></div>
  </form><//>`;
}

export function KeysCard() {
  const [list, setList] = useState<Key[]>([]);
  const [add, setAdd] = useState(false);
  const [gone, setGone] = useState<Key | null>(null);
  const load = () => keysAPI.list().then(setList, (e) => say('error', e.message));
  useEffect(() => void load(), []);
  const close = () => [setAdd(false), setGone(null), void load()];
  return html`<section class="card span2" aria-labelledby="keys-h"><h2 id="keys-h">Keys of machines</h2>
    ${list.length > 0 && html`<div class="table-box"><table class="table stackable" data-testid="keys">
      <thead><tr><th scope="col">Name</th><th scope="col">Role</th><th scope="col">Sees</th><th scope="col">Last used</th><th scope="col">Until</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${list.map((k) => html`<tr key=${k.id}><th scope="row">${k.name} <small class="muted mono">${k.id}</small></th><td data-label="Role">${k.role}</td><td data-label="Sees">${camerasText(k.cameras, nameOf)}</td>
        <td data-label="Last used">${k.last_used ? ago(boxNow.value - Date.parse(k.last_used)) : 'never'}</td>
        <td data-label="Until">${k.expired ? html`<span class="tag tag-bad">expired</span>` : k.expires_at ? day(Date.parse(k.expires_at), zone.value) : 'it is revoked'}</td>
        <td class="actions"><button type="button" class="button small" disabled=${stale.value} onClick=${() => setGone(k)} data-testid="key-remove-${k.name}">Revoke…</button></td></tr>`)}</tbody>
    </table></div>`}
    <p><button type="button" class="button" disabled=${stale.value} onClick=${() => setAdd(true)} data-testid="key-add">Make a key…</button></p>
    ${add && html`<${KeyDialog} onClose=${close} />`}
    ${gone && html`<${Ask} title="Revoke ${gone.name}?" verb="Revoke" act=${() => keysAPI.remove(gone.id)} onClose=${close} testid="key-revoke"><p>Whatever uses it stops working at once.</p><//>`}
  </section>`;
}

function KeyDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<MachineRole>('worker');
  const [cameras, setCameras] = useState<string[] | undefined>(undefined);
  const [until, setUntil] = useState('');
  const [made, setMade] = useState('');
  const { busy, error, go } = useTry();
  const submit = async (e: Event) => {
    e.preventDefault();
    await go(async () => {
      const k = await keysAPI.add({ name: name.trim(), role, ...(cameras && { cameras }), ...(until && { expires_at: new Date(`${until}T00:00`).toISOString() }) });
      setMade(k.key);
    });
  };
  if (made) return html`<${Dialog} title="The key" onClose=${onClose} testid="key-made"><p>It is shown this once. Give it to the machine, and to nobody else.</p>
    <p class="mono wrap" data-testid="key-secret">${made}</p>
    <div class="dialog-foot"><button type="button" class="button" onClick=${() => copy(made)}>Copy</button><button type="button" class="button primary" onClick=${onClose} data-testid="key-done">I have it</button></div><//>`;
  return html`<${Dialog} title="Make a key" onClose=${onClose} testid="key-dialog"><form class="ask" onSubmit=${submit}>
    <${Field} id="key-name" label="Name" value=${name} onInput=${setName} placeholder="What it is for" testid="key-name" />
    <${Roles} roles=${machineRoles} value=${role} onChange=${setRole} />
    <${Cameras} value=${cameras} onChange=${setCameras} />
    <${Field} id="key-until" label="Until" required=${false} type="date" value=${until} onInput=${setUntil} />
    <${Wrong} error=${error} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${onClose}>Leave it</button><button type="submit" class="button primary" disabled=${busy || !name.trim()} data-testid="key-save">Make it</button></div>
  </form><//>`;
}
