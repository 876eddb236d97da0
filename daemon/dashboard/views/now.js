// What goes on: whether all is well, the last minute as lines, and what has become of everything since the start.

import {makeChart} from '../chart.js';
import {h, replace, setText} from '../dom.js';
import {formatBytes, formatCount, formatDuration, formatRate, formatShare} from '../format.js';
import {mark} from '../health.js';
import {makeNotice} from '../notice.js';
import {link} from '../router.js';
import {follow, poll} from '../stream.js';
import {LATE_MS, concernsOf, countOutcomes} from '../verdict.js';

const SECONDS = 60;
const POLL_MS = 1000;

/** Two looks at the numbers, made into what happened between them; null if there is none to compare with. */
function compare(before, after) {
    const [from, to] = [before, after].map(stats => stats && countOutcomes(stats.items.finished));
    const seconds = before ? (after.uptime_ms - before.uptime_ms) / 1000 : 0;
    if (seconds <= 0)
        return null; // the first, or the daemon was started anew
    return {seconds, finished: to.finished - from.finished, errors: to.errors - from.errors};
}

function makeRecent() {
    const steps = [];
    return step => {
        if (step)
            steps.push(step);
        steps.splice(0, steps.length - SECONDS);
        const sum = name => steps.reduce((n, each) => n + each[name], 0);
        return {finished: sum('finished'), errors: sum('errors')};
    };
}

function makeCharts() {
    const charts = {
        running: makeChart({title: 'In flight', format: formatCount, least: 5, href: link('tasks')}),
        queued: makeChart({title: 'Queued', format: formatCount, least: 5, href: link('jobs', {status: 'running'})}),
        rate: makeChart({title: 'Finished', format: formatRate, least: 1, href: link('jobs')}),
        errors: makeChart({title: 'Not a success', format: formatShare, least: 0.1, href: link('jobs')}),
        lag: makeChart({title: 'Loop lag', format: formatDuration, least: 5, href: link('tasks')}),
    };
    return {elements: Object.values(charts).map(({element}) => element), add(stats, step, recent) {
        const {items, jobs, loop_lag_ms: lag} = stats;
        charts.running.add(items.running, `jobs: ${formatCount(jobs.running)}`);
        charts.queued.add(items.queued, `jobs: ${formatCount(jobs.queued)}`);
        charts.rate.add(step && step.finished / step.seconds, `in a minute: ${formatCount(recent.finished)}`);
        charts.errors.add(step?.finished ? step.errors / step.finished : null,
            `in a minute: ${formatCount(recent.errors)}`);
        charts.lag.add(lag.p99, `p99; max: ${formatDuration(lag.max)}`, lag.p99 > LATE_MS ? 'warn' : '');
    }};
}

function makeVerdict() {
    const element = h('div', {class: 'verdict', 'aria-live': 'polite'}, h('p', null, mark('idle', 'Asking …')));
    let shown = '';
    return {element, show(concerns) {
        const text = concerns.map(each => each.text).join();
        if (element.dataset.kind && text === shown)
            return;
        shown = text;
        element.dataset.kind = concerns[0]?.kind ?? 'good';
        replace(element, concerns.length === 0 ? h('p', null, mark('good', 'All is well.'))
            : concerns.map(({kind, text: said}) => h('p', null, mark(kind, said))));
    }};
}

const FACTS = [
    ['Running for', stats => formatDuration(stats.uptime_ms)],
    ['Jobs kept', stats => formatCount(stats.store.jobs)],
    ['Jobs accepted', stats => formatCount(stats.jobs.accepted)],
    ['Store', stats => formatBytes(stats.store.file_bytes)],
    ['Last commit took', stats => formatDuration(stats.store.last_commit_ms)],
    ['Requests sent', stats => formatCount(stats.requests.sent)],
    ['Connections used again', stats => formatShare(shareOf(stats.requests.connections_reused, stats.requests.connections_opened))],
    ['Received', stats => formatBytes(stats.requests.received_bytes)],
    ['Clients connected', stats => formatCount(stats.api.connections)],
    ['Tasks', stats => formatCount(stats.loop.tasks)],
];

function shareOf(part, rest) {
    return part + rest > 0 ? part / (part + rest) : null;
}

function makeFacts() {
    const values = FACTS.map(() => h('dd', null, '–'));
    return {element: h('dl', {class: 'panel facts'}, FACTS.map(([name], i) => h('div', null, h('dt', null, name), values[i]))),
            show: stats => FACTS.forEach(([, say], i) => setText(values[i], say(stats)))};
}

/** What came of everything, and the errors there were. */
function makeOutcomes() {
    const element = h('div', {class: 'panel'});
    const list = (title, counts) => counts.length > 0 && [h('h2', null, title), h('table', null, counts.map(([name, n]) =>
        h('tr', null, h('td', null, name.replaceAll('_', ' ')), h('td', {class: 'number'}, formatCount(n)))))];
    let shown = '';
    return {element, show({items}) {
        const said = JSON.stringify([items.finished, items.errors, items.blocked_by]);
        if (said === shown)
            return;
        shown = said;
        const some = counts => Object.entries(counts).filter(([, n]) => n > 0).sort(([, a], [, b]) => b - a);
        const finished = some(items.finished);
        replace(element, list('Outcomes since the start', finished), list('Errors', some(items.errors)),
            list('Blocked by', some(items.blocked_by)),
            finished.length === 0 && h('p', {class: 'dim'}, 'Nothing has been fetched yet. ', h('a', {href: link('try')}, 'Try it'), '.'));
    }};
}

export function show(element, api) {
    const stopping = new AbortController();
    const {signal} = stopping;
    const [notice, verdict, charts, facts, outcomes] = [makeNotice(), makeVerdict(), makeCharts(), makeFacts(), makeOutcomes()];
    const numbers = [h('div', {class: 'charts'}, charts.elements), h('div', {class: 'columns'}, facts.element, outcomes.element)];
    const recently = makeRecent();
    let before = null;
    const take = stats => {
        const step = compare(before, stats);
        const recent = recently(step);
        before = stats;
        notice.tell(null);
        verdict.show(concernsOf(stats, recent));
        charts.add(stats, step, recent);
        facts.show(stats);
        outcomes.show(stats);
    };
    const lost = problem => {
        notice.tell(problem);
        verdict.show([{kind: 'bad', text: 'These numbers are old.'}]);
    };
    const fail = problem => {
        if (problem.status === 406) // something between keeps events away
            return poll(async () => take(await api.get('v1/stats', {signal})), POLL_MS, {signal, lost});
        notice.tell(problem);
        numbers.forEach(each => { each.hidden = true; });
        return verdict.show([{kind: 'idle', text: 'What goes on is not for this token.'}]);
    };

    replace(element, h('h1', {class: 'unseen'}, 'Now'), verdict.element, notice.element, numbers);
    follow(api, 'v1/stats', {stats: take, lost}, {signal}).catch(fail);
    return () => stopping.abort();
}
