// Asking and telling in front of the page: the browser's own dialog, which keeps the focus and closes by Escape.

import {h} from './dom.js';

/** Shows a dialog until one of its forms is sent, or it is closed. Resolves to the fields, or to null. */
export function ask(title, ...content) {
    const dialog = h('dialog', {'aria-label': title},
        h('form', {method: 'dialog'}, h('h2', null, title), content));
    document.body.append(dialog);
    dialog.showModal();
    return new Promise(resolve => dialog.addEventListener('close', () => {
        const form = dialog.querySelector('form');
        dialog.remove();
        resolve(dialog.returnValue ? Object.fromEntries(new FormData(form)) : null);
    }));
}

/** The buttons at the end of one: the first does it, the other leaves it. */
export function buttons(yes, no = 'Cancel') {
    return h('p', {class: 'buttons'},
        h('button', {type: 'submit', value: 'yes', class: 'primary'}, yes),
        h('button', {type: 'submit', value: '', formnovalidate: true}, no));
}

/** Resolves to whether it shall be. */
export async function confirm(title, detail, yes) {
    return await ask(title, h('p', null, detail), buttons(yes)) !== null;
}
