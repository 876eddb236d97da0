// Numbers and instants for people, always of about the same width.

const count = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const short = new Intl.NumberFormat('en', {maximumSignificantDigits: 3});

export function formatCount(n) {
    return n === null || n === undefined ? '–' : count.format(n);
}

/** 1.2 ms, 340 ms, 2.5 s, 3 min, 2 h 5 min, 3 d */
export function formatDuration(ms) {
    if (ms === null || ms === undefined)
        return '–';
    if (ms < 1000)
        return `${short.format(ms < 10 ? Math.round(ms * 100) / 100 : Math.round(ms))} ms`;
    if (ms < 60_000)
        return `${short.format(Math.round(ms / 100) / 10)} s`;
    const minutes = Math.round(ms / 60_000);
    if (minutes < 60)
        return `${minutes} min`;
    if (minutes < 48 * 60)
        return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
    return `${Math.round(minutes / 60 / 24)} d`;
}

export function formatBytes(n) {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    if (n === null || n === undefined)
        return '–';
    let unit = 0;
    for (; n >= 1024 && unit < units.length - 1; unit++)
        n /= 1024;
    return `${short.format(n)} ${units[unit]}`;
}

/** 0.99833 becomes 99.8 %, and only what is whole becomes 100 %. */
export function formatShare(share) {
    if (share === null || share === undefined)
        return '–';
    const digits = share > 0.99 && share < 1 ? 100 : 10;
    return `${Math.floor(share * 100 * digits) / digits} %`;
}

export function formatRate(perSecond) {
    return `${short.format(perSecond < 100 ? Math.round(perSecond * 10) / 10 : Math.round(perSecond))}/s`;
}

/** 12:03:04 today, else 23 Nov 12:03; its title should have all of it, as formatInstant() says. */
export function formatTime(instant) {
    if (!instant)
        return '–';
    const at = new Date(instant);
    const isToday = at.toDateString() === new Date().toDateString();
    return at.toLocaleString('en-GB', isToday ? {timeStyle: 'medium'}
        : {day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit'});
}

export function formatInstant(instant) {
    return instant ? new Date(instant).toISOString() : '';
}

/** in 3 min, 20 s ago */
export function formatDistance(instant, now = Date.now()) {
    if (!instant)
        return '–';
    const ms = new Date(instant) - now;
    const said = formatDuration(Math.max(1000, Math.round(Math.abs(ms) / 1000) * 1000));
    return ms >= 0 ? `in ${said}` : `${said} ago`;
}
