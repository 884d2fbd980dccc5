// Starts the panel.
import { render } from 'preact';
import { html } from 'htm/preact';
import { App } from './app';
import { listen as listenRoutes } from './router';
import { listen as listenKeys } from './keys';
import { start } from './store';
import { debug } from './debug';

start();
listenRoutes();
listenKeys();
Object.defineProperty(window, 'vedette', { value: Object.freeze({ get debug() { return debug(); } }) });
render(html`<${App} />`, document.getElementById('app')!);
