// What came of requests: statuses and errors with their shares, which choose what is listed.

import {h, reconcile, setText} from './dom.js';
import {formatCount} from './format.js';

/** [{label, n, isGood}] of a job, the most frequent first. */
export function partsOf({stats, counts}) {
    const good = counts.http_error > 0 ? status => status < 400 : () => true;
    return [
        ...Object.entries(stats.status).map(([label, n]) => ({label, n, isGood: good(Number(label))})),
        ...Object.entries(stats.errors).map(([label, n]) => ({label, n, isGood: false})),
    ].sort((a, b) => b.n - a.n);
}

/** choose(label) is called with null when all are wanted again. */
export function makeBreakdown(choose) {
    let chosen = null;
    let last = null;
    const list = h('ul', {class: 'breakdown'});
    const element = h('section', {class: 'panel'}, h('h2', null, 'What came of them'), list);
    const make = ({label}) => h('li', null, h('button', {type: 'button', onclick: () => turn(label)},
        h('span', {class: 'mark'}, label), h('span', {class: 'share'}, h('span', {class: 'fill'})), h('span', {class: 'number'})));
    const update = (item, {label, n, isGood, share}) => {
        const button = item.firstElementChild;
        const [mark, bar, number] = button.children;
        mark.className = `mark cut ${isGood ? 'good' : 'bad'}`;
        bar.firstElementChild.style.setProperty('width', `${100 * share}%`);
        setText(number, formatCount(n));
        button.setAttribute('aria-pressed', label === chosen);
    };
    const show = job => {
        last = job;
        const parts = partsOf(job);
        const most = Math.max(1, ...parts.map(({n}) => n));
        reconcile(list, parts.map(part => ({...part, share: part.n / most})), ({label}) => label, make, update);
    };
    const turn = label => {
        chosen = chosen === label ? null : label;
        show(last);
        choose(chosen);
    };
    return {element, show};
}
