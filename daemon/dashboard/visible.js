// Text of strangers: what cannot be seen, or turns the order of other text around, is shown as what it is.

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu;

function escape(character) {
    return `\\u{${character.codePointAt(0).toString(16)}}`;
}

/** On one line. */
export function visible(text) {
    return String(text).replace(UNSEEN, escape);
}

/** With its lines and tabs. */
export function visibleLines(text) {
    return String(text).replace(/\r\n/g, '\n').replace(UNSEEN, found => /[\n\t]/.test(found) ? found : escape(found));
}

/** As `hexdump -C` shows it: offset, bytes, characters. */
export function hexLines(bytes) {
    const lines = [];
    for (let i = 0; i < bytes.length; i += 16) {
        const row = [...bytes.subarray(i, i + 16)];
        const hex = row.map(byte => byte.toString(16).padStart(2, '0')).join(' ').padEnd(47);
        const text = row.map(byte => byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.').join('');
        lines.push(`${i.toString(16).padStart(8, '0')}  ${hex}  ${text}`);
    }
    return lines.join('\n');
}
