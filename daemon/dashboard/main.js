// The page: its views, and what is around them.

import {Api} from './api.js';
import {h, replace} from './dom.js';
import {watchHealth} from './health.js';
import {link, run} from './router.js';
import {listen} from './shortcuts.js';
import {makeThemeSwitch} from './theme.js';
import {askForToken} from './token.js';
import * as job from './views/job.js';
import * as jobs from './views/jobs.js';
import * as now from './views/now.js';
import * as schedules from './views/schedules.js';
import * as tasks from './views/tasks.js';
import * as trial from './views/try.js';

const routes = [
    {path: ['now'], title: 'Now', key: 'n', view: now},
    {path: ['jobs'], title: 'Jobs', key: 'j', view: jobs},
    {path: ['jobs', ':id'], title: 'Job', view: job},
    {path: ['try'], title: 'Try it', key: 'i', view: trial},
    {path: ['schedules'], title: 'Schedules', key: 's', view: schedules},
    {path: ['tasks'], title: 'Tasks', key: 't', view: tasks},
];

const main = document.querySelector('main');
const tabs = routes.filter(route => route.key);
const links = tabs.map(({path, title}) => h('a', {href: link(...path)}, title));

function mark(route) {
    tabs.forEach(({path}, i) => {
        if (path[0] === route.path[0])
            links[i].setAttribute('aria-current', 'page');
        else
            links[i].removeAttribute('aria-current');
    });
    document.title = `${route.title} · gatherd`;
}

function makeTools(theme, showKeys) {
    const forget = h('button', {type: 'button', class: 'quiet', onclick: () => { api.token = null; }}, 'Forget token');
    const showForget = () => { forget.hidden = !api.token; };
    api.addEventListener('token', showForget);
    showForget();
    return [forget, theme.button,
        h('button', {type: 'button', class: 'quiet', onclick: showKeys, 'aria-label': 'Keys', title: 'Keys (?)'}, '?')];
}

const api = new Api(askForToken);
const theme = makeThemeSwitch();
const showKeys = listen([
    ...tabs.map(({path, title, key}) => ({keys: `g ${key}`, what: title, run: () => { location.hash = link(...path); }})),
    {keys: '/', what: 'To the first field', run: () => main.querySelector('input, textarea, select')?.focus()},
    {keys: 'm', what: 'Another theme (mode)', run: theme.turn},
]);

replace(document.querySelector('nav'), links);
replace(document.querySelector('.tools'), makeTools(theme, showKeys));
watchHealth(api, document.querySelector('.health'));
const showAgain = run(routes, main, api, mark);
api.addEventListener('token', showAgain);
