// Keys: one that is pressed outside of fields, or two in a row ("g n"). ? shows them.

import {ask} from './dialog.js';
import {h} from './dom.js';

const IN_A_ROW_MS = 1500;

function isTyping({target}) {
    return Boolean(target.closest?.('input, textarea, select, dialog'));
}

/** shortcuts: [{keys: 'g n', what: 'Now', run}] */
export function listen(shortcuts) {
    let before = '', at = 0;
    const all = [...shortcuts, {keys: '?', what: 'Show these keys', run: () => tell(all)}];

    addEventListener('keydown', event => {
        if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event))
            return;
        const pair = event.timeStamp - at < IN_A_ROW_MS ? `${before} ${event.key}` : '';
        const found = all.find(({keys}) => keys === pair) ?? all.find(({keys}) => keys === event.key);
        before = event.key;
        at = event.timeStamp;
        if (found) {
            event.preventDefault();
            before = '';
            found.run();
        }
    });
    return () => tell(all);
}

async function tell(shortcuts) {
    await ask('Keys',
        h('dl', {class: 'keys'}, shortcuts.map(({keys, what}) => [
            h('dt', null, keys.split(' ').map(key => h('kbd', null, key))), h('dd', null, what)])),
        h('p', {class: 'buttons'}, h('button', {type: 'submit', autofocus: true}, 'Close')));
}
