// Whether the daemon is there and takes work: a word and a mark at the top of every view.

import {h, replace} from './dom.js';
import {poll} from './stream.js';

const EVERY_MS = 3000;

const STATES = {
    ready: {kind: 'good', text: 'Ready', detail: 'New work is taken.'},
    draining: {kind: 'warn', text: 'Draining', detail: 'The daemon is being stopped: no new work is taken.'},
    store_full: {kind: 'bad', text: 'Store full', detail: 'No new jobs are taken: make room on the disk of the store.'},
    store_failed: {kind: 'bad', text: 'Store failed', detail: 'The daemon ends: see its log, and the disk.'},
    lost: {kind: 'bad', text: 'Not reachable', detail: 'The daemon does not answer. It is asked again until it does.'},
};

/** A mark whose shape says the same as its colour. */
export function mark(kind, text, detail = '') {
    return h('span', {class: `mark ${kind}`, title: detail}, text);
}

export function watchHealth(api, element) {
    let shown = '';
    const show = name => {
        const state = STATES[name] ?? {kind: 'warn', text: name, detail: ''};
        if (name !== shown)
            replace(element, mark(state.kind, state.text, state.detail));
        shown = name;
        document.documentElement.dataset.health = state.kind;
    };
    const {signal} = new AbortController();
    const lost = problem => show(problem.status === 0 ? 'lost' : problem.reason || problem.message);

    api.addEventListener('lost', () => show('lost'));
    poll(async () => { await api.get('readyz', {signal}); show('ready'); }, EVERY_MS, {signal, lost});
}
