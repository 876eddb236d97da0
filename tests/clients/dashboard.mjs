// node dashboard.mjs BASE SCENARIO [ARGUMENT...]: does with the dashboard what a person would, and prints what was
// seen as JSON, with all the problems that a browser reports by itself.

import {mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {chromium} from 'playwright-core';

const [base, scenario, ...given] = process.argv.slice(2);
const SCREENSHOTS = 'screenshots';
const HEADINGS = {now: 'Now', jobs: 'Jobs', try: 'Try it', schedules: 'Schedules', tasks: 'Tasks'};
const problems = [];

function listen(page) {
    page.on('pageerror', error => problems.push(`error: ${error.message}`));
    page.on('console', message => {
        const isExpected = /Failed to load resource/.test(message.text()); // it is said by the page itself
        if (message.type() === 'error' && !isExpected)
            problems.push(`console: ${message.text()}`);
    });
    page.on('request', request => {
        if (!request.url().startsWith(base) && !request.url().startsWith('blob:'))
            problems.push(`asks ${request.url()}`);
    });
    page.on('dialog', dialog => {
        problems.push(`dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
}

async function open(browser, hash, options = {}) {
    const page = await browser.newPage({viewport: {width: 1280, height: 800}, acceptDownloads: true, ...options});
    listen(page);
    await page.goto(`${base}#/${hash}`);
    return page;
}

async function shoot(page, name) {
    mkdirSync(SCREENSHOTS, {recursive: true});
    await page.screenshot({path: `${SCREENSHOTS}/${name}.png`});
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

/** What keeps people from using the page as it is now, by the rules of WCAG 2.1 and good practice. */
async function findBarriers(page) {
    await page.evaluate(axe);
    const {violations} = await page.evaluate(() => window.axe.run());
    return violations.flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.target.join(' ')}: ${node.failureSummary}`));
}

/** The rows of a job's waterfall that are in the document. */
const rows = page => page.locator('.rows .row:visible');

async function openJob(browser, job, options) {
    const page = await open(browser, `jobs/${job}`, options);
    await rows(page).first().waitFor();
    return page;
}

const scenarios = {
    /** Every view, as wide and as dark as it is asked for. */
    async views(browser, job, width = '1280', colorScheme = 'light') {
        const seen = {};
        const options = {viewport: {width: Number(width), height: 800}, colorScheme};
        for (const view of [...Object.keys(HEADINGS), `jobs/${job}`]) {
            const page = view.includes('/') ? await openJob(browser, job, options) : await open(browser, view, options);
            const name = view.split('/').length > 1 ? 'job' : view;
            await page.getByRole('heading', {level: 1, name: HEADINGS[name], exact: true}).waitFor();
            await page.waitForTimeout(300);
            seen[name] = await page.evaluate(() => ({
                text: document.querySelector('main').innerText,
                overflow: document.documentElement.scrollWidth - innerWidth,
                ground: getComputedStyle(document.documentElement).backgroundColor,
            }));
            seen[name].barriers = await findBarriers(page);
            await shoot(page, `${name}-${width}-${colorScheme}`);
            await page.close();
        }
        return seen;
    },

    /** A job that runs: what the page says at first, and in the end. */
    async live(browser, job) {
        const page = await openJob(browser, job);
        const before = await rows(page).count();
        console.error('seen');
        await page.getByText('done', {exact: true}).first().waitFor({timeout: 60_000});
        await page.waitForTimeout(500);
        return {before, after: await rows(page).count()};
    },

    /** A result of a hostile origin. */
    async hostile(browser, job) {
        const page = await openJob(browser, job);
        await rows(page).first().click();
        await page.locator('.result').waitFor();
        await shoot(page, 'hostile');
        return page.evaluate(() => ({
            text: document.querySelector('.result').innerText,
            page: document.documentElement.outerHTML,
            elements: document.querySelectorAll('main script, main img, main iframe, dialog script, dialog img').length,
            hasRun: 'hasRun' in window,
        }));
    },

    async token(browser, wrong, right, job) {
        const page = await open(browser, `jobs/${job}`);
        const dialog = page.locator('dialog[open]');
        for (const token of [wrong, right]) {
            await dialog.locator('input').fill(token);
            await dialog.locator('button.primary, button[type=submit]').first().click();
            await page.waitForTimeout(700);
        }
        await rows(page).first().waitFor();
        return {
            mayCancel: await page.getByRole('button', {name: /^(Cancel|Retry what failed)$/}).count(),
            isKept: await page.evaluate(token => Object.values(sessionStorage).includes(token), right),
        };
    },

    async filter(browser, job, label) {
        const page = await openJob(browser, job);
        const labels = async () => (await rows(page).locator('.mark').allTextContents()).sort();
        const all = await labels();
        await page.locator('.breakdown button', {hasText: label}).click();
        await page.waitForTimeout(300);
        return {all, some: await labels()};
    },

    /** Without a mouse: to the rows, down, into a result, and out again. */
    async keyboard(browser, job) {
        const page = await openJob(browser, job);
        for (let i = 0; i < 60 && !await page.evaluate(() => document.activeElement.matches('.row')); i++)
            await page.keyboard.press('Tab');
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Enter');
        await page.locator('dialog.detail[open] .result').waitFor();
        const heading = await page.locator('dialog.detail h2').textContent();
        const barriers = await findBarriers(page);
        await page.keyboard.press('Escape');
        return {heading, barriers, isOpen: await page.locator('dialog.detail[open]').count()};
    },

    /** The longest time that a step takes to be drawn, and how many rows there are for it. */
    async scroll(browser, job, nRows) {
        const page = await openJob(browser, job);
        await page.waitForFunction(n => document.querySelector('.waterfall').ariaRowCount > n ||
            Number(document.querySelector('.waterfall').getAttribute('aria-rowcount')) > n, Number(nRows), {timeout: 60_000});
        await page.waitForTimeout(1000);
        const steps = await page.evaluate(async () => {
            const list = document.querySelector('.rows');
            const took = [];
            for (let i = 1; i <= 60; i++) {
                const began = performance.now();
                list.scrollTop = i * list.scrollHeight / 61;
                list.dispatchEvent(new Event('scroll'));
                list.getBoundingClientRect(); // lays it out
                took.push(performance.now() - began);
                await new Promise(requestAnimationFrame);
            }
            return took;
        });
        return {longest: Math.max(...steps), median: steps.sort((a, b) => a - b)[30], inDocument: await page.locator('.rows .row').count(),
            last: await rows(page).last().textContent()};
    },

    async save(browser, job, format) {
        const page = await openJob(browser, job);
        const [download] = await Promise.all([page.waitForEvent('download'),
            page.getByRole('button', {name: format, exact: true}).click()]);
        const chunks = [];
        for await (const chunk of await download.createReadStream())
            chunks.push(chunk);
        return {name: download.suggestedFilename(), text: Buffer.concat(chunks).toString()};
    },

    /** Cancels a job, and retries what was canceled. */
    async change(browser, job) {
        const page = await open(browser, `jobs/${job}`);
        await page.getByRole('button', {name: 'Cancel', exact: true}).click();
        await page.getByRole('button', {name: 'Retry what failed'}).click();
        await page.waitForFunction(old => !location.hash.includes(old), job);
        return {retried: new URL(page.url()).hash.split('/').at(-1)};
    },

    /** A schedule: how it stands, and that it shall not run for now. */
    async schedule(browser, name) {
        const page = await open(browser, 'schedules');
        const row = page.getByRole('row').filter({hasText: name});
        await row.getByRole('link').first().waitFor(); // a run
        await shoot(page, 'schedule');
        const text = await row.innerText();
        const barriers = await findBarriers(page);
        await row.getByRole('button', {name: `Pause ${name}`}).click();
        await row.getByText('paused', {exact: true}).waitFor();
        return {text, barriers, runs: await row.getByRole('listitem').count()};
    },

    /** What stands there when the scripts were refused. */
    async refused(browser) {
        const page = await open(browser, 'now');
        await page.locator('.late').waitFor({timeout: 10_000});
        return {text: await page.locator('main').innerText()};
    },

    /** Pastes URLs, and watches what comes. */
    async try(browser, ...urls) {
        const page = await open(browser, 'try');
        await page.locator('textarea').fill(urls.join('\n'));
        await page.getByRole('button', {name: 'Fetch', exact: true}).click();
        await page.getByText(urls.at(-1)).last().waitFor();
        await page.waitForTimeout(700);
        await shoot(page, 'try-filled');
        return {text: await page.locator('main').innerText()};
    },
};

const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox']});
try {
    const seen = await scenarios[scenario](browser, ...given);
    console.log(JSON.stringify({...seen, problems}));
} finally {
    await browser.close();
}
