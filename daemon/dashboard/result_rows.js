// What is kept of results to draw them: little, since there may be very many.

import {phasesOf} from './phases.js';

export const ROWS_MAX = 50_000;

function rowOf(result) {
    const {timings} = result;
    const phases = phasesOf(timings);
    return {
        index: result.index,
        seq: result.seq ?? Infinity,
        url: result.request.url,
        outcome: result.outcome,
        status: result.status_code,
        code: result.error?.code ?? null,
        begin: Date.parse(result.started_at) - timings.queue_ms,
        phases,
        elapsed: phases.reduce((sum, ms) => sum + ms, 0),
        total: timings.total_ms,
    };
}

/** What a row is called by: of failures that are not about the status, the code of the error. */
export function labelOf({outcome, status, code}) {
    return outcome === 'success' || outcome === 'http_error' ? String(status) : code ?? outcome;
}

const ORDERS = {
    index: (a, b) => a.index - b.index,
    completed: (a, b) => a.seq - b.seq,
    slowest: (a, b) => b.elapsed - a.elapsed,
};

/** The rows of a job, as they come, and those that are wanted of them. */
export class ResultRows {
    #rows = new Map();
    #shown = null;
    order = 'index';
    label = null; // only rows that are called so
    begin = Infinity;
    end = -Infinity;

    add(result) {
        if (this.isFull || result.state !== 'finished')
            return;
        const row = rowOf(result);
        this.#rows.set(row.index, row);
        this.#shown = null;
        this.begin = Math.min(this.begin, row.begin);
        this.end = Math.max(this.end, row.begin + row.elapsed);
    }

    get isFull() {
        return this.#rows.size >= ROWS_MAX;
    }

    want(what) {
        Object.assign(this, what);
        this.#shown = null;
    }

    /** In the order that is wanted. */
    get shown() {
        this.#shown ??= [...this.#rows.values()]
            .filter(row => this.label === null || labelOf(row) === this.label)
            .sort(ORDERS[this.order]);
        return this.#shown;
    }
}
