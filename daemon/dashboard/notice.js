// Telling what went wrong, and that there is nothing: what is so, and what to do next.

import {h, replace} from './dom.js';

/** A place for the last problem of a view: tell(problem) shows it, tell(null) takes it away. */
export function makeNotice() {
    const element = h('div', {class: 'notice', role: 'alert', hidden: true});
    return {element, tell(problem) {
        element.hidden = !problem;
        if (problem)
            replace(element, h('strong', null, problem.message), ' ', problem.advice ?? '',
                problem.errors?.length > 0 && h('ul', null, problem.errors.map(({pointer, detail}) =>
                    h('li', null, h('code', null, pointer), ' ', detail))));
    }};
}

/** What stands where nothing is yet. */
export function empty(text, ...next) {
    return h('div', {class: 'empty'}, h('p', null, text), next.length > 0 && h('p', null, next));
}
