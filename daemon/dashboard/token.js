// Asking for a token when the daemon wants one.

import {ask, buttons} from './dialog.js';
import {h} from './dom.js';

/** Resolves to a token, or to null. It is kept as long as the tab is open. */
export async function askForToken(problem) {
    const said = await ask('This daemon asks for a token',
        h('p', null, problem.code === 'token_unknown' ? 'The one that was used is not known to it. ' : '',
            'Whoever runs it makes one by ', h('code', null, 'gatherd token new'), '. It is kept until this tab is closed.'),
        h('label', null, 'Token',
            h('input', {name: 'token', type: 'password', required: true, autofocus: true, autocomplete: 'off',
                        spellcheck: 'false'})),
        buttons('Use it'));
    return said?.token.trim() || null;
}
