// The list of jobs: live, by status and label, with what can be done with each.

import {h, reconcile, replace, setText} from '../dom.js';
import {formatCount, formatDistance, formatDuration, formatInstant} from '../format.js';
import {mark} from '../health.js';
import {empty, makeNotice} from '../notice.js';
import {countFailures, kindOf, makeBar, sayOutcomes} from '../outcomes.js';
import {link} from '../router.js';
import {poll} from '../stream.js';

const EVERY_MS = 2000;
const PAGE = 50;
const STATUSES = ['queued', 'running', 'canceling', 'done', 'canceled'];

// -- Filters --------------------------------------------------------------------------------

function makeFilters({status = '', label = ''}) {
    const change = () => { location.hash = link('jobs', {status: select.value, label: field.value.trim()}); };
    const select = h('select', {onchange: change}, h('option', {value: ''}, 'any'),
        STATUSES.map(each => h('option', {value: each, selected: each === status}, each)));
    const field = h('input', {type: 'search', placeholder: 'team=web', value: label, onchange: change, spellcheck: 'false'});
    return [h('label', null, 'Status', select), h('label', null, 'Label', field)];
}

/** 'team=web' becomes label.team=web, as the API takes it. */
function queryOf({status, label, cursor}) {
    const query = new URLSearchParams({limit: PAGE});
    const [name, ...value] = (label ?? '').split('=');
    if (status)
        query.set('status', status);
    if (name)
        query.set(`label.${name}`, value.join('='));
    if (cursor)
        query.set('cursor', cursor);
    return query;
}

// -- Rows -----------------------------------------------------------------------------------

function makeRow({id, name, labels}) {
    return h('tr', null,
        h('td', {class: 'status'}),
        h('td', {class: 'name'}, h('a', {href: link('jobs', id)}, name ?? id),
            Object.entries(labels).map(([key, value]) => [' ', h('a', {class: 'label', href: link('jobs', {label: `${key}=${value}`})}, `${key}=${value}`)])),
        h('td', {class: 'course'}), h('td', {class: 'number wide'}), h('td', {class: 'number wide'}), h('td', {class: 'act'}));
}

function describe({done, counts}) {
    const finished = done ? formatCount(counts.total) : `${formatCount(counts.finished)} of ${formatCount(counts.total)}`;
    return h('div', {class: 'dim small'}, [finished, sayOutcomes(counts)].filter(Boolean).join(': '));
}

function updateRow(row, job, makeButton) {
    const [status, , course, created, took, act] = row.cells;
    if (row.dataset.version !== String(job.version)) {
        replace(status, mark(kindOf(job), job.status));
        replace(course, makeBar(job.counts), describe(job));
        replace(act, makeButton(job));
        row.dataset.version = job.version;
    }
    setText(created, formatDistance(job.created_at));
    created.title = formatInstant(job.created_at);
    setText(took, formatDuration(job.elapsed_ms));
}

// -- What can be done -----------------------------------------------------------------------

function makeButtonMaker(api, notice, refresh) {
    const act = async (event, work) => {
        event.target.disabled = true;
        try {
            await work();
            await refresh();
        } catch (problem) {
            notice.tell(problem);
            event.target.disabled = false;
        }
    };
    const button = (text, name, work) => h('button', {type: 'button', class: 'small', 'aria-label': `${text} ${name}`,
                                                       onclick: event => act(event, work)}, text);
    return (job, mayChange) => {
        const name = job.name ?? job.id;
        if (!mayChange)
            return null;
        if (!job.done)
            return button('Cancel', name, () => api.post(`v1/jobs/${job.id}/cancel`));
        return countFailures(job.counts) > 0 &&
            button('Retry', name, async () => { location.hash = link('jobs', (await api.post(`v1/jobs/${job.id}/retry`)).id); });
    };
}

export function show(element, api, params) {
    const stopping = new AbortController();
    const {signal} = stopping;
    const notice = makeNotice();
    const rows = h('tbody');
    const table = h('table', {class: 'jobs', hidden: true}, h('thead', null, h('tr', null,
        h('th', null, 'Status'), h('th', null, 'Job'), h('th', null, 'Progress'), h('th', {class: 'number wide'}, 'Created'),
        h('th', {class: 'number wide'}, 'Took'), h('th', null, h('span', {class: 'unseen'}, 'Actions')))), rows);
    const nothing = h('div', {hidden: true}, params.status || params.label
        ? empty('No job is like that.', h('a', {href: link('jobs')}, 'Show all'))
        : empty('There are no jobs.', 'Submit one by ', h('code', null, 'POST /v1/jobs'), ', or ', h('a', {href: link('try')}, 'try it'), '.'));
    const older = h('a', {hidden: true}, 'Older');
    const once = async () => {
        const [{data, next_cursor: cursor}, rights] = await Promise.all([api.get(`v1/jobs?${queryOf(params)}`, {signal}), api.rights()]);
        notice.tell(null);
        table.hidden = data.length === 0;
        nothing.hidden = data.length > 0;
        older.hidden = !cursor;
        if (cursor)
            older.href = link('jobs', {...params, cursor});
        reconcile(rows, data, job => job.id, makeRow,
            (row, job) => updateRow(row, job, each => makeButton(each, rights.has('submit'))));
    };
    const makeButton = makeButtonMaker(api, notice, once);

    replace(element, h('div', {class: 'bar'}, h('h1', null, 'Jobs'), makeFilters(params)), notice.element, nothing, table,
        h('p', {class: 'bar'}, params.cursor && h('a', {href: link('jobs', {...params, cursor: ''})}, 'Newest'), older));
    poll(once, EVERY_MS, {signal, lost: notice.tell});
    return () => stopping.abort();
}
