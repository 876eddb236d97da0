// A job's results as a file. They are fetched, since a link cannot show a token.

import {h} from './dom.js';
import {linesOf} from './stream.js';

/** JSON is made of lines: one array, in the order in which the results came. */
async function asArray(answer) {
    const parts = ['['];
    for await (const line of linesOf(answer))
        if (line.startsWith('{"object":"result"'))
            parts.push(parts.length > 1 ? ',\n' : '\n', line);
    return new Blob([...parts, '\n]\n'], {type: 'application/json'});
}

const FORMATS = [
    {name: 'JSON', path: 'results', type: 'application/x-ndjson', suffix: 'json', read: asArray},
    {name: 'NDJSON', path: 'results', type: 'application/x-ndjson', suffix: 'ndjson'},
    {name: 'CSV', path: 'results', type: 'text/csv', suffix: 'csv'},
    {name: 'HAR', path: 'har', type: 'application/json', suffix: 'har'},
];

function save(blob, name) {
    const url = URL.createObjectURL(blob);
    h('a', {href: url, download: name}).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

async function fetchAndSave(api, id, {path, type, suffix, read}) {
    const answer = await api.ask(`v1/jobs/${id}/${path}`, {headers: {Accept: type}});
    save(await (read ? read(answer) : answer.blob()), `${id}.${suffix}`);
}

/** Buttons that save the results; tell(problem) is called with what goes wrong, or null. */
export function makeExports(api, id, tell) {
    return FORMATS.map(format => {
        const button = h('button', {type: 'button', class: 'small', title: `Save the results as ${format.name}`}, format.name);
        button.addEventListener('click', async () => {
            button.disabled = true;
            await fetchAndSave(api, id, format).then(() => tell(null), tell);
            button.disabled = false;
        });
        return button;
    });
}
