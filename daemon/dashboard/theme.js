// Light, dark, or as the system has it: a switch that goes round. style.css does the rest.

import {h, setText} from './dom.js';

const KEY = 'gatherd.theme';
const NAMES = {auto: 'Auto', light: 'Light', dark: 'Dark'};

function use(theme) {
    if (theme === 'auto')
        delete document.documentElement.dataset.theme;
    else
        document.documentElement.dataset.theme = theme;
}

/** The switch, and what turns it. */
export function makeThemeSwitch() {
    let theme = localStorage.getItem(KEY) ?? 'auto';
    const button = h('button', {type: 'button', class: 'quiet', title: 'Theme', onclick: turn}, NAMES[theme] ?? NAMES.auto);

    function turn() {
        const names = Object.keys(NAMES);
        theme = names[(names.indexOf(theme) + 1) % names.length];
        localStorage.setItem(KEY, theme);
        use(theme);
        setText(button, NAMES[theme]);
    }

    use(theme);
    return {button, turn};
}
