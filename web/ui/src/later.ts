// Screens that are fetched when first needed, or when there is time.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import type { FunctionComponent } from 'preact';

export type Later = FunctionComponent & { fetch(): void };

/** later makes a component of one that load brings. */
export function later(load: () => Promise<FunctionComponent<any>>): Later {
  let here: FunctionComponent<any> | null = null;
  let coming: Promise<void> | null = null;
  const fetch = () => (coming ??= load().then((c) => void (here = c), (e) => {
    coming = null;
    throw e;
  }));
  const Part = (props: object) => {
    const [failed, setFailed] = useState(false);
    const [, again] = useState(0);
    useEffect(() => {
      if (!here) fetch().then(() => again(1), () => setFailed(true));
    }, []);
    if (here) return html`<${here} ...${props} />`;
    if (!failed) return html`<main id="main" class="screen"><h1 tabIndex=${-1} class="sr">Loading</h1></main>`;
    // The recorder was updated since this page was opened, or does not answer.
    return html`<main id="main" class="screen"><div class="empty" role="alert"><h1 tabIndex=${-1}>This screen could not be loaded</h1>
      <p>The recorder may have been updated.</p><button type="button" class="button primary" onClick=${() => location.reload()}>Load the panel again</button></div></main>`;
  };
  return Object.assign(Part as FunctionComponent, { fetch: () => void fetch().catch(() => {}) });
}
