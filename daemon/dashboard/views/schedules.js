// Schedules: when each runs next, what became of its last runs, and how available its targets were.

import {h, reconcile, replace, setText} from '../dom.js';
import {formatDistance, formatDuration, formatInstant, formatShare} from '../format.js';
import {mark} from '../health.js';
import {empty, makeNotice} from '../notice.js';
import {link} from '../router.js';
import {sayOutcomes} from '../outcomes.js';
import {poll} from '../stream.js';

const EVERY_MS = 5000;
const N_RUNS = 40;
const SPANS = ['1h', '24h', '7d', '30d'];
const GOOD = 0.999;
const FAIR = 0.95;

function kindOf(share) {
    if (share === null || share === undefined)
        return 'idle';
    return share >= GOOD ? 'good' : share >= FAIR ? 'warn' : 'bad';
}

function kindOfRun({state, availability}) {
    const kinds = {running: 'busy', done: kindOf(availability), skipped: 'idle', canceled: 'idle', missed: 'warn', failed_to_start: 'bad'};
    return kinds[state] ?? 'idle';
}

function sayRun(run) {
    return [formatInstant(run.due_at), run.state.replaceAll('_', ' '), run.code, run.due_count > 1 && `${run.due_count} times`,
            run.counts && sayOutcomes(run.counts), run.total_ms && `p99 ${formatDuration(run.total_ms.p99)}`].filter(Boolean).join(', ');
}

/** Runs side by side, the oldest first: as high as they were available. */
function makeRuns(runs) {
    return h('div', {class: 'runs', role: 'list', 'aria-label': 'Last runs'}, runs.toReversed().map(run => {
        const height = {'height': `${Math.max(12, 100 * (run.availability ?? 1))}%`};
        const attributes = {class: `run ${kindOfRun(run)}`, title: sayRun(run), 'aria-label': sayRun(run)};
        return h('span', {role: 'listitem'}, run.job_id ? h('a', {...attributes, href: link('jobs', run.job_id), style: height})
            : h('span', {...attributes, style: height}));
    }));
}

/** On a phone there is room for one. */
function classOf(span) {
    return span === '24h' ? 'number' : 'number wide';
}

function makeRow({name, every_ms: every, cron}) {
    return h('tr', null, h('td', null, h('strong', null, name), h('div', {class: 'dim small'}, cron ?? `every ${formatDuration(every)}`)),
        h('td'), h('td', {class: 'wide'}), SPANS.map(span => h('td', {class: classOf(span)})), h('td', {class: 'act'}));
}

function sayNext({paused, running, next_run_at: next}) {
    const state = paused ? mark('idle', 'paused') : running ? mark('busy', 'running') : mark('idle', 'waiting');
    return [state, h('div', {class: 'dim small', title: formatInstant(next)}, next ? formatDistance(next) : '–')];
}

function updateRow(row, {schedule, runs}, buttons) {
    replace(row.cells[1], sayNext(schedule));
    replace(row.cells[2], makeRuns(runs));
    SPANS.forEach((span, i) => {
        const share = schedule.availability[span];
        replace(row.cells[3 + i], share === null ? '–' : mark(kindOf(share), formatShare(share)));
    });
    const state = `${schedule.paused} ${schedule.running}`;
    if (row.dataset.state !== state) // a button keeps the focus
        replace(row.cells[3 + SPANS.length], buttons(schedule));
    row.dataset.state = state;
}

function makeButtonMaker(api, notice, refresh) {
    const button = (text, {id, name}, what) => h('button', {type: 'button', class: 'small', 'aria-label': `${text} ${name}`,
        onclick: async event => {
            event.target.disabled = true;
            await api.post(`v1/schedules/${id}/${what}`).then(refresh, notice.tell);
            event.target.disabled = false;
        }}, text);
    return schedule => [
        !schedule.running && button('Run now', schedule, 'run'), ' ',
        schedule.paused ? button('Resume', schedule, 'resume') : button('Pause', schedule, 'pause')];
}

/** Availability is not in lists, so each is asked for by itself. */
async function look(api, schedule, signal) {
    const [whole, {data}] = await Promise.all([
        api.get(schedule.links.self, {signal}), api.get(`${schedule.links.runs}?limit=${N_RUNS}`, {signal})]);
    return {schedule: whole, runs: data};
}

export function show(element, api) {
    const stopping = new AbortController();
    const {signal} = stopping;
    const notice = makeNotice();
    const rows = h('tbody');
    const table = h('table', {hidden: true}, h('thead', null, h('tr', null, h('th', null, 'Schedule'), h('th', null, 'Next run'),
        h('th', {class: 'wide'}, 'Last runs'), SPANS.map(span => h('th', {class: classOf(span)}, span)),
        h('th', null, h('span', {class: 'unseen'}, 'Actions')))), rows);
    const nothing = empty('There are no schedules.', 'Make one by ', h('code', null, 'POST /v1/schedules'),
        ': a job, and how often it shall run.');
    const more = h('p', {class: 'dim', hidden: true});
    const once = async () => {
        const [{data, has_more: hasMore}, rights] = await Promise.all([api.get('v1/schedules?limit=20', {signal}), api.rights()]);
        const looks = await Promise.all(data.map(schedule => look(api, schedule, signal)));
        notice.tell(null);
        table.hidden = data.length === 0;
        nothing.hidden = data.length > 0;
        more.hidden = !hasMore;
        setText(more, 'These are the newest; GET /v1/schedules has all.');
        reconcile(rows, looks, each => each.schedule.id, each => makeRow(each.schedule),
            (row, each) => updateRow(row, each, schedule => rights.has('submit') && buttons(schedule)));
    };
    const buttons = makeButtonMaker(api, notice, once);

    nothing.hidden = true;
    replace(element, h('div', {class: 'bar'}, h('h1', null, 'Schedules')), notice.element, nothing, table, more);
    poll(once, EVERY_MS, {signal, lost: notice.tell});
    return () => stopping.abort();
}
