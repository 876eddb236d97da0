// What an EventSource gets of a job, the same in Node (node follow.mjs URL) and in a page.

export function follow(events, show) {
    for (const name of ['result', 'end'])
        events.addEventListener(name, ({lastEventId}) => show(`${name} ${lastEventId}`));
    events.addEventListener('error', () => {
        show(events.readyState === events.CLOSED ? 'closed' : 'interrupted');
    });
}

if (globalThis.process) {
    const {EventSource} = await import('eventsource');
    follow(new EventSource(process.argv[2]), console.log);
}
