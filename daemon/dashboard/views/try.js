// Try it: some URLs, fetched now or as a job, and the same request for a shell.

import {h, replace, setText} from '../dom.js';
import {formatCount, formatDuration} from '../format.js';
import {mark} from '../health.js';
import {makeNotice} from '../notice.js';
import {makeBar, sayOutcomes} from '../outcomes.js';
import {link} from '../router.js';
import {values} from '../stream.js';

const KEY = 'gatherd.try';
const MOST_ROWS = 500;

// -- The request ----------------------------------------------------------------------------

/** What the API takes, with no more in it than was asked for. */
export function documentOf({urls, repeat, concurrency, timeout}) {
    const lines = urls.split('\n').map(line => line.trim()).filter(Boolean);
    return {
        requests: lines.map(url => Number(repeat) > 1 ? {url, repeat: Number(repeat)} : url),
        ...(Number(concurrency) > 0 && {limits: {concurrency: Number(concurrency)}}),
        ...(Number(timeout) > 0 && {defaults: {timeout_ms: 1000 * Number(timeout)}}),
    };
}

/** For a shell: quoted so that nothing in it is anything but text. */
export function curlOf(url, document, hasToken) {
    const quote = text => `'${text.replaceAll("'", "'\\''")}'`;
    const lines = ['curl', hasToken && '-H "Authorization: Bearer $GATHERD_TOKEN"', `-d ${quote(JSON.stringify(document))}`, quote(url)];
    return lines.filter(Boolean).join(' \\\n    ');
}

// -- The answer -----------------------------------------------------------------------------

function makeRow({index, ok, outcome, request, status_code: status, error, timings, body}) {
    return h('tr', null,
        h('td', {class: 'number dim'}, index), h('td', null, mark(ok ? 'good' : 'bad', outcome.replaceAll('_', ' '))),
        h('td', null, status ?? error?.code ?? '–'), h('td', {class: 'number'}, formatDuration(timings?.total_ms)),
        h('td', {class: 'number wide'}, formatCount(body?.decoded_bytes)), h('td', {class: 'url'}, request.url));
}

function makeResults() {
    const rows = h('tbody');
    const summary = h('div', {'aria-live': 'polite'});
    const cut = h('p', {class: 'dim'});
    const table = h('table', null, h('thead', null, h('tr', null,
        ['#', 'Outcome', 'Status', 'Took', 'Bytes', 'URL'].map((name, i) =>
            h('th', {class: [0, 3].includes(i) ? 'number' : i === 4 ? 'number wide' : ''}, name)))), rows);
    const element = h('div', {hidden: true}, summary, table, cut);
    let n = 0;
    return {
        element,
        clear() {
            n = 0;
            replace(rows);
            setText(cut, '');
            replace(summary, h('p', null, mark('busy', 'Fetching …')));
            element.hidden = table.hidden = false;
        },
        add(result) {
            if (++n <= MOST_ROWS)
                rows.append(makeRow(result));
            else
                setText(cut, `${formatCount(n - MOST_ROWS)} more are counted, and not listed: run them as a job to see all.`);
        },
        end({counts, elapsed_ms: elapsed, stats}) {
            const p99 = stats.total_ms?.p99;
            replace(summary, makeBar(counts), h('p', null, `${sayOutcomes(counts)} in ${formatDuration(elapsed)}`,
                p99 ? `; half of them within ${formatDuration(stats.total_ms.p50)}, 99 % within ${formatDuration(p99)}` : ''));
        },
        stop(text) {
            table.hidden = n === 0;
            replace(summary, h('p', null, mark('warn', text)));
        },
    };
}

// -- The form -------------------------------------------------------------------------------

function makeForm(said) {
    const number = (name, label, attributes) => h('label', null, label,
        h('input', {name, type: 'number', inputmode: 'numeric', min: 1, value: said[name] ?? '', ...attributes}));
    return h('form', {class: 'try'},
        h('label', {class: 'urls'}, 'URLs, one a line', h('textarea', {name: 'urls', class: 'code', rows: 6, required: true,
            spellcheck: 'false', placeholder: 'https://one.example/', value: said.urls ?? ''})),
        h('div', {class: 'bar'},
            number('repeat', 'Repeat each', {placeholder: '1', max: 100000}), number('concurrency', 'At a time', {placeholder: 'as allowed'}),
            number('timeout', 'Timeout, s', {placeholder: 'as set'}), h('label', null, 'As', h('select', {name: 'way'},
                h('option', {value: 'gather'}, 'gather: answered now'), h('option', {value: 'job', selected: said.way === 'job'}, 'job: kept and followed')))),
        h('p', {class: 'bar'}, h('button', {type: 'submit', class: 'primary'}, 'Fetch'),
            h('button', {type: 'button', name: 'stop', disabled: true}, 'Stop'), h('button', {type: 'button', name: 'copy'}, 'Copy as curl'),
            h('span', {class: 'dim', role: 'status'})));
}

function remember(said) {
    sessionStorage.setItem(KEY, JSON.stringify(said));
    return said;
}

export function show(element, api) {
    const notice = makeNotice();
    const results = makeResults();
    const form = makeForm(JSON.parse(sessionStorage.getItem(KEY) ?? '{}'));
    const {copy, stop} = form.elements;
    const curl = h('pre', {class: 'panel', hidden: true});
    const told = form.querySelector('[role=status]');
    let running = new AbortController();
    const read = () => remember(Object.fromEntries(new FormData(form)));

    async function gather(said, signal) {
        const options = {method: 'POST', body: JSON.stringify(documentOf(said)), signal, headers: {'Content-Type': 'application/json'}};
        for await (const value of values(api, 'v1/gather', options)) {
            if (value.type === 'gather')
                return results.end(value);
            results.add(value);
        }
        return results.stop('The answer was cut off before its end.');
    }

    async function submit(event) {
        event.preventDefault();
        const said = read();
        running = new AbortController();
        notice.tell(null);
        stop.disabled = false;
        try {
            if (said.way === 'job') {
                location.hash = link('jobs', (await api.post('v1/jobs', documentOf(said), {signal: running.signal})).id);
            } else {
                results.clear();
                await gather(said, running.signal);
            }
        } catch (problem) {
            results.stop(running.signal.aborted ? 'Stopped: what had not finished was given up.' : 'This did not work.');
            if (!running.signal.aborted)
                notice.tell(problem);
        }
        stop.disabled = true;
    }

    async function copyCurl() {
        const said = read();
        curl.textContent = curlOf(String(api.url(`v1/${said.way === 'job' ? 'jobs' : 'gather'}`)), documentOf(said), Boolean(api.token));
        curl.hidden = false;
        // Only pages that came by TLS or from this machine may use the clipboard.
        await navigator.clipboard?.writeText(curl.textContent).then(() => setText(told, 'Copied.'), () => {});
    }

    form.addEventListener('submit', submit);
    stop.addEventListener('click', () => running.abort());
    copy.addEventListener('click', copyCurl);
    replace(element, h('div', {class: 'bar'}, h('h1', null, 'Try it')), form, curl, notice.element, results.element);
    return () => running.abort();
}
