// Reading what comes piece by piece: lines of JSON, and server-sent events. By fetch(), as an EventSource cannot
// show a token.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** The lines of an answer as they come; the last one may lack its end. */
export async function* linesOf(answer) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    try {
        for (;;) {
            const {done, value} = await reader.read();
            if (done)
                break;
            const lines = (rest + value).split('\n');
            rest = lines.pop();
            yield* lines;
        }
        if (rest)
            yield rest;
    } finally {
        reader.cancel().catch(() => {});
    }
}

/** Values of an NDJSON answer: for await (const value of values(api, 'v1/gather', {method: 'POST', ...})) */
export async function* values(api, path, {headers, ...options} = {}) {
    const answer = await api.ask(path, {headers: {Accept: 'application/x-ndjson', ...headers}, ...options});
    try {
        for await (const line of linesOf(answer))
            if (line)
                yield JSON.parse(line);
    } catch (error) {
        throw api.failure(error);
    }
}

/** The events of one answer: {name, id, data}, with data parsed. */
async function* eventsOf(answer) {
    let event = {name: 'message'};
    for await (const line of linesOf(answer)) {
        const [, field, value] = /^([^:]*):? ?(.*?)\r?$/.exec(line);
        if (field === 'event')
            event.name = value;
        else if (field === 'id')
            event.id = value;
        else if (field === 'data')
            event.data = (event.data ?? '') + value;
        else if (line === '' && event.data !== undefined) {
            yield {...event, data: JSON.parse(event.data)};
            event = {name: 'message'};
        }
    }
}

/** Follows server-sent events until the signal is aborted or the server says that this was all (204, or an event
 *  `end`), coming again behind the last event whenever the connection is lost.
 *
 *  handlers  {name: (data, id) => ...}; also lost(problem), when it is and will be tried again
 *  throws    a Problem that trying again does not mend (400 to 499) */
export async function follow(api, path, handlers, {signal}) {
    let last = null, pause = FIRST_PAUSE_MS;
    while (!signal.aborted) {
        try {
            const headers = {Accept: 'text/event-stream', ...(last !== null && {'Last-Event-ID': last})};
            const answer = await api.ask(path, {headers, signal, cache: 'no-store'});
            if (answer.status === 204)
                return;
            for await (const {name, id, data} of eventsOf(answer)) {
                last = id ?? last;
                pause = FIRST_PAUSE_MS;
                handlers[name]?.(data, id);
                if (name === 'end')
                    return;
            }
        } catch (error) {
            const problem = api.failure(error);
            if (signal.aborted)
                return;
            if (problem.status >= 400 && problem.status < 500 && problem.status !== 429)
                throw problem;
            handlers.lost?.(problem);
        }
        await rest(pause, signal);
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
}

/** Calls once(signal) every so many ms, as long as the page can be seen; lost(problem) tells of failures. */
export async function poll(once, everyMs, {signal, lost}) {
    while (!signal.aborted) {
        try {
            await once(signal);
        } catch (error) {
            if (!signal.aborted)
                lost(error);
        }
        await rest(everyMs, signal);
        await visible(signal);
    }
}

/** Returns after so many ms, or when the signal is aborted. */
export function rest(ms, signal) {
    return new Promise(resolve => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, {once: true});
    });
}

function visible(signal) {
    if (!document.hidden || signal.aborted)
        return undefined;
    return new Promise(resolve => {
        document.addEventListener('visibilitychange', resolve, {once: true, signal});
        signal.addEventListener('abort', resolve, {once: true});
    });
}
