// node browse.mjs URL LAST: prints the list of a page as soon as it has an item that says LAST.

import {chromium} from 'playwright-core';

const [url, last] = process.argv.slice(2);
const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
});
const page = await browser.newPage();
await page.goto(url);
try {
    await page.getByText(last, {exact: true}).waitFor();
} finally {
    console.log((await page.getByRole('listitem').allTextContents()).join('\n'));
    await browser.close();
}
