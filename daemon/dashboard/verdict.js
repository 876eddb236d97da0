// Whether all is well, from what /v1/stats says: for who has three seconds.

import {formatCount, formatDuration, formatShare} from './format.js';

export const LATE_MS = 20;
const MANY_ERRORS = 0.1;
const FEW_ITEMS = 20;

/** Outcomes that are no fault of what was asked: the others count as errors. */
const FINE = new Set(['success', 'canceled', 'skipped']);

export function countOutcomes(finished) {
    const all = Object.entries(finished);
    const sum = entries => entries.reduce((n, [, each]) => n + each, 0);
    return {finished: sum(all), errors: sum(all.filter(([name]) => !FINE.has(name)))};
}

const CONCERNS = [
    {kind: 'bad', holds: stats => stats.store.health === 'failed',
     say: () => 'The job store has failed, and the daemon ends. See its log, and the disk.'},
    {kind: 'bad', holds: stats => stats.store.health === 'full',
     say: () => 'The disk of the job store is full: no new jobs are taken. Make room, and it goes on by itself.'},
    {kind: 'bad', holds: stats => stats.store.integrity === 'damaged',
     say: () => 'A part of the job store is damaged. The log names what; look after the disk.'},
    {kind: 'warn', holds: stats => stats.draining,
     say: () => 'The daemon is being stopped: no new work is taken, what is under way ends.'},
    {kind: 'warn', holds: stats => stats.loop_lag_ms.p99 > LATE_MS,
     say: stats => `The loop is late by ${formatDuration(stats.loop_lag_ms.p99)} (p99 of the last minute): ` +
         'one core is not enough for what is asked, and everything waits that long.'},
    {kind: 'warn', holds: (stats, recent) => recent.finished >= FEW_ITEMS && recent.errors / recent.finished > MANY_ERRORS,
     say: (stats, recent) => `${formatShare(recent.errors / recent.finished)} of the last ${formatCount(recent.finished)} ` +
         'items did not succeed. Jobs says which.'},
];

/** recent: counts of the last minute. returns [{kind, text}], the worst first; none: all is well */
export function concernsOf(stats, recent) {
    return CONCERNS.filter(({holds}) => holds(stats, recent)).map(({kind, say}) => ({kind, text: say(stats, recent)}));
}
