// A small live chart: a line over the last so many values, as a drawing of its own size that stretches.

import {h, setText, svg} from './dom.js';

const WIDTH = 240;
const HEIGHT = 48;

/** Where a line through the values runs; gaps (null) break it. */
export function path(values, n, top) {
    let said = '', isBroken = true;
    values.forEach((value, i) => {
        if (value === null) {
            isBroken = true;
            return;
        }
        const x = (i + n - values.length) / (n - 1) * WIDTH;
        const y = HEIGHT - 1 - Math.min(value / top, 1) * (HEIGHT - 3);
        said += `${isBroken ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
        isBroken = false;
    });
    return said;
}

/** The next of 1, 2, 5, 10, ... that holds the value: so the scale does not change all the time. */
export function roundUp(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 5, 10].map(step => step * power).find(top => top >= value);
}

/** A tile with a name, the value of now, a line of those before, and a word on what is usual.
 *
 *  format   of a value
 *  least    what the scale reaches at least
 *  href     where there is more
 *  add(value, note, kind)  the next one; null: there is none. kind: 'good', 'warn' or 'bad' */
export function makeChart({title, format, least, href, n = 60}) {
    const values = [];
    const number = h('strong', {class: 'value'}, '–');
    const hint = h('span', {class: 'hint'});
    const scale = h('span', {class: 'scale', 'aria-hidden': 'true'});
    const line = svg('path', {class: 'line'});
    const drawing = svg('svg', {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true'},
        svg('path', {class: 'ground', d: `M0 ${HEIGHT - 1}H${WIDTH}`}), line);
    const element = h(href ? 'a' : 'div', {class: 'panel chart', href},
        h('span', {class: 'title'}, title), number, drawing, scale, hint);

    return {element, add(value, note = '', kind = '') {
        values.push(value);
        values.splice(0, values.length - n);
        const top = roundUp(Math.max(least, ...values.filter(each => each !== null)));
        line.setAttribute('d', path(values, n, top));
        setText(number, value === null ? '–' : format(value));
        setText(scale, format(top));
        setText(hint, note);
        element.dataset.kind = kind;
    }};
}
