// What the machine's state means, in words. Pure.
import { sentence } from '../format';
import type { Mistake, OtherSlot, Trial } from '../types';

const refusals: Record<string, string> = {
  signature: 'It is not signed by whoever makes this recorder, or somebody changed it.',
  board: 'It is made for another board.',
  older: 'It is older than what runs now. Allow an older version if that is what you want.',
  damaged: 'It is damaged or not whole. Get it again.',
};

/** refusal says why a bundle is not installed; the recorder's own reason follows where it says more. */
export function refusal(code: string, reason: string): string {
  const says = refusals[code];
  const more = sentence(reason);
  return [says, more !== says && more].filter(Boolean).join(' ') || 'It could not be installed.';
}

/** slotSays tells what the slot holds that does not run. */
export function slotSays(o: OtherSlot): string {
  const v = o.version || 'a system that does not tell its version';
  switch (o.state) {
    case 'empty': return 'nothing';
    case 'good': return `${v}, to fall back to`;
    case 'ready': return `${v}, tried at the next start`;
    case 'failed': return `${v}, which did not prove itself`;
    default: return v;
  }
}

/** countdown gives 1:20, and 0:00 once it is over. */
export function countdown(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

/** trialSays tells how long a new system has left; now is the box's clock. */
export function trialSays(t: Trial, now: number): string {
  const until = Date.parse(t.until);
  const left = Number.isFinite(until) ? `: ${countdown(until - now)} left` : '';
  return `This version is proving itself${left}${t.waiting_for ? `, waiting for ${t.waiting_for}` : ''}.`;
}

/** mistakeSays gives "Line 12, network.address: is no address." */
export function mistakeSays(m: Mistake): string {
  const at = [m.line > 0 ? `line ${m.line}` : '', m.key].filter(Boolean).join(', ');
  return sentence(at ? `${at}: ${m.reason}` : m.reason);
}

/** lineLevel gives the level of a line of the log: debug, info, warn, error, or nothing. */
export function lineLevel(line: string): string {
  return /^(?:time=\S+ )?level=(DEBUG|INFO|WARN|ERROR)\b/.exec(line)?.[1].toLowerCase() ?? '';
}
