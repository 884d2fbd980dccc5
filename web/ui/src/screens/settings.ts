// Settings: the own account, and for administrators who else may come in, and how the box is guarded.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { account, agentText, type Session } from '../access';
import { ago } from '../format';
import { mayOperate } from '../roles';
import { route } from '../router';
import { socket } from '../socket';
import { boxNow, say, stale, user } from '../store';
import { Ask, useTry, Wrong } from '../ui/ask';
import { Field } from '../ui/kit';
import { AuditCard } from './audit';
import { CertificateCard } from './certificate';
import { NotificationsCard } from './notifications';
import { KeysCard, PeopleCard } from './people';
import { RelayCard } from './relay';
import { SecondFactor } from './second';
import { BackupCard, OutgoingCard, SecretsCard, SupportCard } from './security';

// Headings that can be gone to; their ids end in -h.
const parts = [['password', 'Account'], ['people', 'People'], ['keys', 'Keys'], ['notifications', 'Notifications'], ['relay', 'Relay'], ['tls', 'Certificate'], ['backup', 'Backup'], ['outgoing', 'Connections'], ['audit', 'Audit']];

/** useJump goes to the part that the address names, once it is there. */
function useJump(part: string) {
  useEffect(() => {
    if (!part) return;
    // After the focus of the new screen, and what the parts before it have to show.
    const t = setTimeout(() => {
      const h = document.getElementById(`${part}-h`);
      h?.setAttribute('tabindex', '-1');
      h?.focus();
      h?.scrollIntoView();
    }, 100);
    return () => clearTimeout(t);
  }, [part]);
}

export function SettingsScreen() {
  useJump(route.value.arg);
  const admin = mayOperate(user.value?.role);
  return html`<main id="main" class="screen status settings">
    <header class="screen-head"><h1 tabIndex=${-1}>${admin ? 'Settings' : 'Account'}</h1><p class="muted">${user.value?.username} · ${user.value?.role}</p></header>
    ${admin && html`<nav class="jump" aria-label="Parts of the settings">${parts.map(([part, name]) => html`<a key=${part} class="button small" href="#/settings/${part}" data-testid="jump-${part}">${name}</a>`)}</nav>`}
    <div class="status-grid">
      <${PasswordCard} />
      <${SecondFactor} />
      <${SessionsCard} />
      ${admin && html`<${PeopleCard} /><${KeysCard} /><${NotificationsCard} /><${RelayCard} /><${CertificateCard} /><${BackupCard} /><${SecretsCard} /><${OutgoingCard} /><${AuditCard} />`}
      <${SupportCard} />
    </div>
  </main>`;
}

function PasswordCard() {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const { busy, error, go } = useTry();
  const submit = async (e: Event) => {
    e.preventDefault();
    if (!(await go(() => socket.aside(() => account.password(current, next))))) return;
    setCurrent('');
    setNext('');
    say('good', 'The password is changed. Every other session of yours has ended.');
  };
  return html`<section class="card" aria-labelledby="password-h"><h2 id="password-h">Password</h2>
    <form onSubmit=${submit}>
      <${Field} id="current" label="Present password" type="password" value=${current} onInput=${setCurrent} autocomplete="current-password" testid="password-current" />
      <${Field} id="next" label="New password" type="password" value=${next} onInput=${setNext} autocomplete="new-password" testid="password-next" hint="At least 8 characters. A few words you can remember are best." />
      <${Wrong} error=${error} />
      <button type="submit" class="button" disabled=${busy || stale.value || !current || [...next].length < 8} data-testid="password-save">Change password</button>
    </form></section>`;
}

/** SessionTable lists where somebody is signed in. */
export function SessionTable({ list, onEnd, named = false, testid }: { list: Session[]; onEnd: (s: Session) => void; named?: boolean; testid: string }) {
  const since = (t: string) => ago(boxNow.value - Date.parse(t));
  return html`<div class="table-box"><table class="table stackable" data-testid=${testid}>
    <thead><tr>${named && html`<th scope="col">Who</th>`}<th scope="col">Where</th><th scope="col">Address</th><th scope="col">Last active</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
    <tbody>${list.map((s) => html`<tr key=${s.id}>
      ${named && html`<th scope="row">${s.username}</th>`}
      <td data-label="Where">${agentText(s.agent)}</td><td data-label="Address" class="mono">${s.address}</td><td data-label="Last active">${since(s.seen)}</td>
      <td class="actions">${s.current ? html`<span class="muted">this one</span>` : html`<button type="button" class="button small" disabled=${stale.value} onClick=${() => onEnd(s)}>Sign out</button>`}</td></tr>`)}</tbody>
  </table></div>`;
}

function SessionsCard() {
  const [list, setList] = useState<Session[]>([]);
  const [letGo, setLetGo] = useState<Session | null>(null);
  const load = () => account.sessions().then(setList, () => undefined);
  useEffect(() => void load(), []);
  return html`<section class="card span2" aria-labelledby="sessions-h"><h2 id="sessions-h">Where you are signed in</h2>
    <${SessionTable} list=${list} onEnd=${setLetGo} testid="own-sessions" />
    ${letGo && html`<${Ask} title="Sign out there?" verb="Sign out" act=${() => account.end(letGo.id)} onClose=${() => { setLetGo(null); void load(); }} testid="end-session">
      <p>${agentText(letGo.agent)} at ${letGo.address} is signed out at once, and its pictures end.</p><//>`}
  </section>`;
}
