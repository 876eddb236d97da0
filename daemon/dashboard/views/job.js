// One job: how far it is, and what came of each of its requests.

import {makeBreakdown} from '../breakdown.js';
import {makeDistribution} from '../distribution.js';
import {h, replace, setText} from '../dom.js';
import {makeExports} from '../exports.js';
import {formatCount, formatDuration, formatInstant, formatTime} from '../format.js';
import {empty, makeNotice} from '../notice.js';
import {countFailures, kindOf} from '../outcomes.js';
import {showResult} from '../result.js';
import {ResultRows, ROWS_MAX} from '../result_rows.js';
import {link} from '../router.js';
import {follow, poll} from '../stream.js';
import {makeLegend, Waterfall} from '../waterfall.js';

const EVERY_MS = 2000;
const CHANGES_EVERY_MS = 200; // at most, of what is not in the waterfall

function makeHead(id) {
    const status = h('span', {class: 'mark', 'aria-live': 'polite'});
    const title = h('h1', {class: 'cut'}, id);
    const bar = h('progress', {'aria-label': 'Finished', max: 1, value: 0});
    const counts = h('span');
    const times = h('p', {class: 'dim'});
    return {title, status, bar, counts, times, show(job) {
        const failed = countFailures(job.counts);
        setText(title, job.name ?? id);
        setText(status, job.status);
        status.className = `mark ${kindOf(job)}`;
        bar.value = job.progress;
        setText(counts, `${formatCount(job.counts.finished)} of ${formatCount(job.counts.total)}` +
            (failed > 0 ? `, ${formatCount(failed)} not as expected` : ''));
        setText(times, `Accepted ${formatTime(job.created_at)}, ${job.done ? 'took' : 'for'} ${formatDuration(job.elapsed_ms)}`);
        times.title = formatInstant(job.created_at);
    }};
}

/** Buttons that change the job, shown as it allows. */
function makeActions(api, id, tell) {
    const act = async what => {
        try {
            const job = await api.post(`v1/jobs/${id}/${what}`);
            tell(null);
            if (job.id !== id)
                location.hash = link('jobs', job.id);
        } catch (problem) {
            tell(problem);
        }
    };
    const cancel = h('button', {type: 'button', hidden: true, onclick: () => act('cancel')}, 'Cancel');
    const retry = h('button', {type: 'button', hidden: true, onclick: () => act('retry')}, 'Retry what failed');
    return {elements: [cancel, retry], show(job, mayChange) {
        cancel.hidden = !mayChange || job.done;
        retry.hidden = !mayChange || !job.done || job.counts.success === job.counts.total;
    }};
}

/** The panel of one result: openResult(index) fetches it. */
function makeDetail(api, id, signal) {
    const content = h('div');
    const heading = h('h2');
    const close = () => element.close();
    const element = h('dialog', {class: 'detail', 'aria-label': 'Result'},
        h('div', {class: 'bar'}, heading, h('button', {type: 'button', class: 'push', onclick: close}, 'Close')), content);
    return {element, async open(index) {
        setText(heading, `Result ${index}`);
        replace(content, h('p', {class: 'dim'}, 'It is fetched ...'));
        element.showModal();
        try {
            replace(content, showResult(await api.get(`v1/jobs/${id}/results/${index}`, {signal})));
        } catch (problem) {
            replace(content, h('p', null, problem.message));
        }
    }};
}

function choice(label, values, change) {
    const select = h('select', {onchange: () => change(select.value)}, Object.entries(values).map(([value, text]) =>
        h('option', {value}, text)));
    return h('label', {class: 'inline'}, label, select);
}

/** Calls change at most so often, and always after the last time. */
function seldom(change, everyMs) {
    let timer = null;
    return () => {
        timer ??= setTimeout(() => {
            timer = null;
            change();
        }, everyMs);
    };
}

export function show(element, api, {id}) {
    const stopping = new AbortController();
    const {signal} = stopping;
    const notice = makeNotice();
    const rows = new ResultRows();
    const head = makeHead(id);
    const actions = makeActions(api, id, notice.tell);
    const detail = makeDetail(api, id, signal);
    const waterfall = new Waterfall(rows, index => detail.open(index));
    const distribution = makeDistribution();
    const more = h('p', {class: 'dim', hidden: true}, `The first ${formatCount(ROWS_MAX)} results that came are shown; exports have all.`);
    const none = empty('No request has finished yet.', 'Rows appear as results come.');
    let job = null, mayChange = false;

    const drawRest = () => {
        none.hidden = rows.shown.length > 0 || rows.label !== null;
        waterfall.element.hidden = !none.hidden;
        more.hidden = !rows.isFull;
        distribution.show(rows.shown.map(({total}) => total), job?.stats.total_ms);
        waterfall.change();
    };
    const drawSoon = seldom(drawRest, CHANGES_EVERY_MS);
    const breakdown = makeBreakdown(label => { rows.want({label}); drawRest(); });
    const tell = latest => {
        job = {...job, ...latest};
        head.show(job);
        actions.show(job, mayChange);
        if (job.stats)
            breakdown.show(job);
        drawSoon();
    };
    const askAgain = async () => tell(await api.get(`v1/jobs/${id}`, {signal}));
    const takeOne = result => {
        notice.tell(null);
        rows.add(result);
        drawSoon();
        if (rows.isFull)
            following.abort();
    };
    const following = new AbortController();
    signal.addEventListener('abort', () => following.abort());

    /* As long as rows are wanted the events tell all; the counts, which they lack, are asked for now and then. */
    const watch = async () => {
        await askAgain();
        const counting = new AbortController();
        signal.addEventListener('abort', () => counting.abort());
        poll(async () => job.done ? counting.abort() : askAgain(), EVERY_MS, {signal: counting.signal, lost: notice.tell});
        await follow(api, `v1/jobs/${id}/events`, {job: tell, progress: tell, result: takeOne, end: tell, lost: notice.tell},
            {signal: following.signal});
    };

    replace(element,
        h('div', {class: 'bar'}, head.title, head.status, h('span', {class: 'push'}), actions.elements),
        notice.element,
        h('div', {class: 'bar'}, head.bar, head.counts),
        head.times,
        h('div', {class: 'panels'}, breakdown.element, distribution.element),
        h('div', {class: 'bar'},
            choice('Order', {index: 'as asked', completed: 'as finished', slowest: 'slowest first'},
                order => { rows.want({order}); waterfall.change(); }),
            choice('Time axis', {common: 'of the job', aligned: 'of each request'},
                axis => { waterfall.isAligned = axis === 'aligned'; waterfall.change(); }),
            h('span', {class: 'push'}, 'Save as '), makeExports(api, id, notice.tell)),
        makeLegend(), more, none, waterfall.element, detail.element);
    drawRest();
    api.rights().then(rights => { mayChange = rights.has('submit'); if (job) actions.show(job, mayChange); });
    watch().catch(problem => { if (!signal.aborted) notice.tell(problem); });
    return () => {
        stopping.abort();
        waterfall.stop();
    };
}
