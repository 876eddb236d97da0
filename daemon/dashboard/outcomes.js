// What has become of a job and its items, as a bar, in words and by colour, the same everywhere.

import {h} from './dom.js';
import {formatCount} from './format.js';

/** In the order of the bar. */
const OUTCOMES = [
    {name: 'success', kind: 'good', text: 'success'},
    {name: 'http_error', kind: 'bad', text: 'HTTP error'},
    {name: 'assertion_failed', kind: 'bad', text: 'not as expected'},
    {name: 'transport_error', kind: 'bad', text: 'transport error'},
    {name: 'blocked', kind: 'bad', text: 'blocked'},
    {name: 'interrupted', kind: 'warn', text: 'interrupted'},
    {name: 'canceled', kind: 'idle', text: 'canceled'},
    {name: 'skipped', kind: 'idle', text: 'skipped'},
];

function present(counts) {
    return OUTCOMES.filter(({name}) => counts[name] > 0);
}

/** "38 success · 2 HTTP error" */
export function sayOutcomes(counts) {
    return present(counts).map(({name, text}) => `${formatCount(counts[name])} ${text}`).join(' · ');
}

/** A bar of all there is to do, filled by outcome. */
export function makeBar(counts) {
    const percent = n => `${counts.total > 0 ? 100 * n / counts.total : 0}%`;
    const done = counts.total > 0 ? Math.floor(100 * counts.finished / counts.total) : 0;
    return h('div', {class: 'progress', role: 'progressbar', 'aria-valuenow': done, 'aria-valuemin': 0, 'aria-valuemax': 100,
                     'aria-label': `${done} % finished`, title: sayOutcomes(counts)},
        present(counts).map(({name, kind}) => h('span', {class: `fill ${kind}`, style: {width: percent(counts[name])}})));
}

/** How many did not succeed, and could be tried again. */
export function countFailures(counts) {
    return counts.finished - counts.success;
}

const KINDS = {queued: 'idle', running: 'busy', canceling: 'busy', canceled: 'idle'};

/** How the job is doing, as a mark shows it. */
export function kindOf({status, counts}) {
    return KINDS[status] ?? (countFailures(counts) > 0 ? 'warn' : 'good');
}
