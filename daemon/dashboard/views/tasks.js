// The coroutines there are, as a tree: what does the daemon wait for?

import {h, reconcile, replace, setText} from '../dom.js';
import {formatBytes, formatCount, formatDuration} from '../format.js';
import {empty, makeNotice} from '../notice.js';
import {poll} from '../stream.js';

const EVERY_MS = 2000;

function makeRow({depth, name, site}) {
    return h('tr', null,
        h('td', {style: {'padding-left': `${0.5 + 1.1 * depth}rem`}, title: site}, depth > 0 && h('span', {class: 'dim'}, '└ '), name),
        h('td'), h('td', {class: 'number'}), h('td', {class: 'number wide'}), h('td', {class: 'dim wide'}, site));
}

function sayWait({state, waits_for: waitsFor, waits_for_task: task, waits_in_circle: inCircle, cancelled}) {
    const wait = state === 'parked' ? `${waitsFor ?? 'parked'}${task ? ` ${task}` : ''}` : state;
    return [wait, inCircle && 'in a circle!', cancelled && `cancelled: ${cancelled}`].filter(Boolean).join(', ');
}

function updateRow(row, task) {
    setText(row.cells[1], sayWait(task));
    setText(row.cells[2], formatDuration(task.since_ms));
    setText(row.cells[3], `${formatBytes(task.stack_used_bytes)} of ${formatBytes(task.stack_bytes)}`);
}

/** Those that have the text in them, and all above them. */
function filter(tasks, text) {
    const wanted = new Set();
    for (const task of [...tasks].reverse()) { // children come behind their parents
        const said = [task.name, task.site, sayWait(task)].join(' ').toLowerCase();
        if (wanted.has(task.id) || said.includes(text)) {
            wanted.add(task.id);
            wanted.add(task.parent);
        }
    }
    return tasks.filter(({id}) => wanted.has(id));
}

export function show(element, api) {
    const stopping = new AbortController();
    const {signal} = stopping;
    const notice = makeNotice();
    const rows = h('tbody');
    const count = h('p', {class: 'dim'});
    const nothing = empty('No task is like that.');
    const field = h('input', {type: 'search', placeholder: 'name, place, what it waits for', spellcheck: 'false', oninput: () => draw()});
    let last = {data: [], total: 0};
    const draw = () => {
        const data = filter(last.data, field.value.trim().toLowerCase());
        setText(count, `${formatCount(data.length)} of ${formatCount(last.total)} tasks`);
        nothing.hidden = data.length > 0;
        reconcile(rows, data, task => task.id, makeRow, updateRow);
    };

    nothing.hidden = true;
    replace(element, h('div', {class: 'bar'}, h('h1', null, 'Tasks'), h('label', null, 'Find', field), count), notice.element,
        h('table', {class: 'tasks'}, h('thead', null, h('tr', null, h('th', null, 'Task'), h('th', null, 'Waits for'),
            h('th', {class: 'number'}, 'Since'), h('th', {class: 'number wide'}, 'Stack'), h('th', {class: 'wide'}, 'Started at'))), rows), nothing);
    poll(async () => {
        last = await api.get('v1/tasks', {signal});
        notice.tell(null);
        draw();
    }, EVERY_MS, {signal, lost: notice.tell});
    return () => stopping.abort();
}
