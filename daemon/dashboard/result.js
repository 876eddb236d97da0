// One result, in full. All of it is text.

import {h} from './dom.js';
import {formatBytes, formatDuration, formatInstant} from './format.js';
import {makeLegend} from './waterfall.js';
import {PHASES, phasesOf} from './phases.js';
import {hexLines, visible, visibleLines} from './visible.js';

const BODY_SHOWN_BYTES = 256 * 1024;

function section(title, ...children) {
    const content = children.flat(Infinity).filter(Boolean);
    return content.length > 0 && h('section', null, h('h3', null, title), content);
}

/** Pairs of a name and a value; what is null is left out. */
function facts(pairs) {
    const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
    return known.length > 0 && h('dl', {class: 'facts'}, known.map(([name, value]) =>
        [h('dt', null, visible(name)), h('dd', null, visible(value))]));
}

function bar(timings) {
    const phases = phasesOf(timings);
    const sum = phases.reduce((all, ms) => all + ms, 0) || 1;
    return h('div', {class: 'track', 'aria-hidden': 'true'}, PHASES.map((phase, i) =>
        h('i', {class: `phase ${phase}`, style: {width: `${100 * phases[i] / sum}%`, position: 'static'}})));
}

function timing(timings) {
    const phases = phasesOf(timings);
    return section('Time', bar(timings), makeLegend(),
        facts([...PHASES.map((phase, i) => [phase, phases[i] > 0 ? formatDuration(phases[i]) : null]),
            ['in all', formatDuration(timings.elapsed_ms)]]));
}

function failure({error}) {
    return error && section('What went wrong', facts([['what', error.message], ['code', error.code], ['while', error.phase],
        ['libcurl', error.curl_name], ['rule', error.rule], ['worth another try', error.retryable ? 'yes' : 'no']]));
}

function attempts({attempts: all}) {
    return all.length > 1 && section('Attempts', h('ol', null, all.map(({outcome, status_code, error, total_ms, backoff_ms}) =>
        h('li', null, `${status_code ?? error ?? outcome}, ${formatDuration(total_ms)}`,
            backoff_ms !== null && `, then a pause of ${formatDuration(backoff_ms)}`))));
}

function redirects({redirects: {hops}}) {
    return hops.length > 0 && section('Redirects', h('ol', null, hops.map(({method, url, status_code, total_ms}) =>
        h('li', null, `${status_code} ${method} `, h('code', null, visible(url)), ` ${formatDuration(total_ms)}`))));
}

function certificate({tls}) {
    return tls && section('TLS', facts([['version', tls.version], ['cipher', tls.cipher],
        ['checked', tls.verified ? 'yes, and it is fine' : 'no'], ['certificate of', tls.subject], ['issued by', tls.issuer],
        ['expires', tls.not_after_at && `${formatInstant(tls.not_after_at)}, in ${formatDuration(tls.expires_in_ms)}`]]));
}

function expectations({expect}) {
    return expect && section('Expected', h('p', null, `${expect.passed} hold, ${expect.failed} do not`),
        expect.failures.length > 0 && h('ul', null, expect.failures.map(({subject, name, operator, expected, actual}) =>
            h('li', null, h('code', null, visible(`${subject}${name ? ` ${name}` : ''} ${operator} ${JSON.stringify(expected)}`)),
                ', was ', h('code', null, visible(JSON.stringify(actual)))))));
}

function headers({headers: all}) {
    return section('Headers', facts(all));
}

function shownBody({encoding, data}) {
    if (encoding === 'base64')
        return hexLines(Uint8Array.from(atob(data.slice(0, 24 * 1024)), character => character.charCodeAt(0)));
    return visibleLines(data.slice(0, BODY_SHOWN_BYTES));
}

function body({body: {encoding, data, decoded_bytes, truncated, sha256}}) {
    const isKept = encoding !== 'none' && data;
    return section('Body', facts([['size', formatBytes(decoded_bytes)], ['SHA-256', sha256],
        ['kept', isKept ? (truncated ? 'only its beginning' : null) : 'no: ask for it with "capture": {"body": "full"}']]),
    isKept && h('pre', {tabindex: 0, 'aria-label': 'Body'}, shownBody({encoding, data})));
}

/** The element of a result; of one that is pending, that it is. */
export function showResult(result) {
    if (result.state !== 'finished')
        return h('p', null, 'It has not finished.');
    return h('div', {class: 'result'},
        facts([['asked', `${result.request.method} ${result.request.url}`],
            ['answered by', result.effective_url !== result.request.url ? result.effective_url : null],
            ['outcome', result.outcome], ['status', result.status_code], ['HTTP', result.http_version],
            ['address', result.remote_ip && `${result.remote_ip}, port ${result.remote_port}`],
            ['connection', result.connection && (result.connection.reused ? 'was open already' : 'was opened')],
            ['began', formatInstant(result.started_at)]]),
        failure(result), timing(result.timings), expectations(result), attempts(result), redirects(result),
        certificate(result), headers(result), body(result));
}
