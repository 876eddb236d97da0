// How long requests took: how many in each stretch of time, on a logarithmic axis.

import {h, replace, svg} from './dom.js';
import {formatCount, formatDuration} from './format.js';

const PER_DECADE = 8;
const WIDTH = 400, HEIGHT = 90;

/** [{from, to, n}], from the fastest to the slowest, with the empty ones between. */
export function bucketsOf(times) {
    const counts = new Map();
    for (const ms of times) {
        const bucket = Math.floor(Math.log10(Math.max(ms, 0.01)) * PER_DECADE);
        counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    }
    const first = Math.min(...counts.keys()), last = Math.max(...counts.keys());
    return Array.from({length: counts.size ? last - first + 1 : 0}, (_, i) => ({
        from: 10 ** ((first + i) / PER_DECADE), to: 10 ** ((first + i + 1) / PER_DECADE), n: counts.get(first + i) ?? 0,
    }));
}

function bars(buckets) {
    const most = Math.max(...buckets.map(({n}) => n));
    const width = WIDTH / buckets.length;
    return buckets.map(({from, to, n}, i) => {
        const height = n === 0 ? 0 : Math.max(2, HEIGHT * n / most);
        return svg('rect', {x: i * width + 0.5, y: HEIGHT - height, width: Math.max(1, width - 1), height},
            svg('title', null, `${formatCount(n)} took ${formatDuration(from)} to ${formatDuration(to)}`));
    });
}

const FIGURES = [['shortest', 'min'], ['median', 'p50'], ['p90', 'p90'], ['p99', 'p99'], ['longest', 'max']];

/** show(times, totals): the times of what is shown, and total_ms of the job's stats, or null */
export function makeDistribution() {
    const chart = h('div', {class: 'chart'});
    const figures = h('dl', {class: 'figures'});
    const element = h('section', {class: 'panel'}, h('h2', null, 'How long'), chart, figures);
    return {element, show(times, totals) {
        const buckets = bucketsOf(times);
        replace(chart, buckets.length > 0 && [
            svg('svg', {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img',
                'aria-label': `From ${formatDuration(buckets[0].from)} to ${formatDuration(buckets.at(-1).to)}`}, bars(buckets)),
            h('p', {class: 'ends dim'}, h('span', null, formatDuration(buckets[0].from)),
                h('span', null, formatDuration(buckets.at(-1).to)))]);
        replace(figures, totals && FIGURES.map(([name, key]) => h('div', null, h('dt', null, name), h('dd', null, formatDuration(totals[key])))));
    }};
}
