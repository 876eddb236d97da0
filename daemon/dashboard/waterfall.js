// Requests as bars on a common time axis. Only the rows in sight are in the document, however many there are; one
// of them has the focus, which the arrow keys move.

import {h, replace, setText} from './dom.js';
import {formatDuration} from './format.js';
import {PHASES} from './phases.js';
import {labelOf} from './result_rows.js';
import {visible} from './visible.js';

const ROW_PX = 24;
const SPARE_ROWS = 6; // above and below what is in sight
const TICK_PX = 80; // room for one, with its text

function makeRow(open, move) {
    const segments = PHASES.map(phase => h('i', {class: `phase ${phase}`}));
    const parts = {
        index: h('span', {class: 'number dim', role: 'gridcell'}),
        label: h('span', {class: 'cut', role: 'gridcell'}),
        url: h('span', {class: 'cut', role: 'gridcell'}),
        elapsed: h('span', {class: 'number', role: 'gridcell'}),
        segments,
    };
    const element = h('div', {class: 'row', role: 'row', tabindex: -1, onclick: open, onkeydown: move},
        parts.index, parts.label, parts.url, h('span', {class: 'track', 'aria-hidden': 'true'}, segments), parts.elapsed);
    return Object.assign(element, {parts});
}

function makeTitle(text, kind = '') {
    return h('span', {class: kind, role: 'columnheader'}, text);
}

/** 1, 2 or 5 times a power of ten, so that a few of them cover the span. */
function tickStep(span, nTicks) {
    const rough = span / nTicks;
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map(times => times * power).find(step => step >= rough);
}

function describe(row) {
    const phases = PHASES.map((phase, i) => row.phases[i] > 0 && `${phase} ${formatDuration(row.phases[i])}`);
    return `${row.index}: ${labelOf(row)}, ${visible(row.url)}, ${formatDuration(row.elapsed)}: ${phases.filter(Boolean).join(', ')}`;
}

export class Waterfall {
    #rows; // a ResultRows
    #open;
    #pool = [];
    #space = h('div', {class: 'space', role: 'none'});
    #axis = h('div', {class: 'axis', 'aria-hidden': 'true'});
    #list = h('div', {class: 'rows', role: 'rowgroup'}, this.#space);
    #active = 0; // the place in `shown` of the row that has, or had, the focus
    #isAsked = false;
    isAligned = false; // each from its own beginning

    /** open(index) shows one result in full. */
    constructor(rows, open) {
        this.#rows = rows;
        this.#open = open;
        this.element = h('div', {class: 'waterfall', role: 'grid', 'aria-label': 'Requests'},
            h('div', {class: 'head', role: 'row'}, makeTitle('#', 'number'), makeTitle('Result'), makeTitle('URL'), this.#axis,
                makeTitle('Time', 'number')),
            this.#list);
        this.#list.addEventListener('scroll', () => this.draw(), {passive: true});
        this.resizing = new ResizeObserver(() => this.draw());
        this.resizing.observe(this.#list);
    }

    stop() {
        this.resizing.disconnect();
    }

    /** Soon, and once for all that has changed until then. */
    change() {
        if (this.#isAsked)
            return;
        this.#isAsked = true;
        requestAnimationFrame(() => {
            this.#isAsked = false;
            this.draw();
        });
    }

    draw() {
        const {shown} = this.#rows;
        const first = Math.max(0, Math.floor(this.#list.scrollTop / ROW_PX) - SPARE_ROWS);
        const n = Math.ceil(this.#list.clientHeight / ROW_PX) + 2 * SPARE_ROWS;
        const scale = this.#scale(shown);
        this.#space.style.setProperty('height', `${shown.length * ROW_PX}px`);
        this.element.setAttribute('aria-rowcount', shown.length + 1);
        this.#drawAxis(scale);
        this.#make(Math.min(n, shown.length));
        this.#pool.forEach((element, i) => this.#drawRow(element, shown, first + i, scale));
    }

    #scale(shown) {
        const longest = () => shown.reduce((most, {elapsed}) => Math.max(most, elapsed), 0);
        const span = (this.isAligned ? longest() : this.#rows.end - this.#rows.begin) || 1;
        return {span: Number.isFinite(span) ? span : 1, begin: this.#rows.begin};
    }

    #drawAxis({span}) {
        const step = tickStep(span, Math.max(1, Math.floor(this.#axis.clientWidth / TICK_PX)));
        const ticks = [];
        for (let at = 0; at < span * 0.9; at += step)
            ticks.push(h('span', {style: {left: `${100 * at / span}%`}}, formatDuration(at)));
        replace(this.#axis, ticks);
    }

    /** Rows are made once, and used for whatever is in sight. */
    #make(n) {
        while (this.#pool.length < n) {
            const element = makeRow(() => this.#choose(element), event => this.#move(event));
            this.#pool.push(element);
            this.#list.append(element);
        }
    }

    #drawRow(element, shown, place, {span, begin}) {
        const row = shown[place];
        element.hidden = !row;
        if (!row)
            return;
        const {parts} = element;
        element.place = place;
        element.tabIndex = place === this.#active ? 0 : -1;
        element.setAttribute('aria-rowindex', place + 2);
        element.style.setProperty('top', `${place * ROW_PX}px`);
        element.title = describe(row);
        setText(parts.index, row.index);
        setText(parts.label, labelOf(row));
        parts.label.className = `cut mark ${row.outcome === 'success' ? 'good' : 'bad'}`;
        setText(parts.url, visible(row.url));
        setText(parts.elapsed, formatDuration(row.elapsed));
        let at = this.isAligned ? 0 : row.begin - begin;
        row.phases.forEach((ms, i) => {
            const {style} = parts.segments[i];
            style.setProperty('left', `${100 * at / span}%`);
            style.setProperty('width', `${100 * ms / span}%`);
            at += ms;
        });
    }

    #choose({place}) {
        this.#active = place;
        this.draw();
        this.#open(this.#rows.shown[place].index);
    }

    #move(event) {
        const page = Math.floor(this.#list.clientHeight / ROW_PX);
        const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity};
        if (event.key === 'Enter' || event.key === ' ')
            this.#choose(event.currentTarget);
        else if (event.key in steps)
            this.#focus(this.#active + steps[event.key]);
        else
            return;
        event.preventDefault();
    }

    #focus(place) {
        this.#active = Math.max(0, Math.min(this.#rows.shown.length - 1, place));
        const top = this.#active * ROW_PX, list = this.#list;
        if (top < list.scrollTop)
            list.scrollTop = top;
        else if (top + ROW_PX > list.scrollTop + list.clientHeight)
            list.scrollTop = top + ROW_PX - list.clientHeight;
        this.draw();
        this.#pool.find(element => !element.hidden && element.place === this.#active)?.focus({preventScroll: true});
    }
}

/** What the colours mean. */
export function makeLegend() {
    return h('ul', {class: 'legend', 'aria-label': 'Phases'},
        PHASES.map(phase => h('li', null, h('i', {class: `phase ${phase}`}), phase)));
}
