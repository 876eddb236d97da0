// Asking the daemon. Paths ('v1/jobs') are relative to the page, so that it may be anywhere behind a proxy.

const TOKEN = 'gatherd.token';

/** What went wrong, for people: message says what, advice what next. status is 0 if nobody answered. */
export class Problem extends Error {
    constructor({status = 0, code = '', detail = '', errors = [], title = '', reason = ''}) {
        super(detail || title || `The daemon answered with ${status}.`);
        Object.assign(this, {status, code, errors, reason});
    }

    get advice() {
        return ADVICE[this.code] ?? ADVICE[this.status] ?? '';
    }
}

const ADVICE = {
    0: 'It is asked again until it answers.',
    401: 'Load this page again to be asked for one.',
    403: 'Use a token that has the right.',
    429: 'Wait a moment, then try again.',
    draining: 'It is being stopped: try again when it has been started.',
    store_full: 'Make room on its disk, or delete jobs.',
    foreign_host: 'Add the name by which you came to api.allowed_hosts.',
};

/** Events: 'token' when another one is used, 'reached' and 'lost' (detail: a Problem) as the daemon answers. */
export class Api extends EventTarget {
    #asking = null;
    #rights = null;
    #isRefused = false;

    /** askForToken(problem) resolves to one, or to null if there is none to be had. */
    constructor(askForToken, storage = sessionStorage) {
        super();
        this.askForToken = askForToken;
        this.storage = storage;
    }

    get token() {
        return this.storage.getItem(TOKEN);
    }

    set token(token) {
        if (token)
            this.storage.setItem(TOKEN, token);
        else
            this.storage.removeItem(TOKEN);
        this.#rights = null;
        this.#isRefused = false;
        this.dispatchEvent(new Event('token'));
    }

    url(path) {
        return new URL(path.replace(/^\//, ''), document.baseURI.replace(/#.*/, ''));
    }

    /** The answer, which is a good one: all others are thrown as a Problem, an abort as the DOM has it. */
    async ask(path, options = {}) {
        const answer = await this.#send(path, options);
        if (answer.status === 401 && !this.#isRefused)
            return await this.#askWithToken(path, options, await problemOf(answer));
        if (!answer.ok && answer.status !== 304)
            throw await problemOf(answer);
        return answer;
    }

    async get(path, options) {
        return (await this.ask(path, options)).json();
    }

    async post(path, body, {headers, ...options} = {}) {
        const answer = await this.ask(path, {
            method: 'POST',
            body: body === undefined ? undefined : JSON.stringify(body),
            headers: body === undefined ? headers : {'Content-Type': 'application/json', ...headers},
            ...options,
        });
        return answer.json();
    }

    /** What may be done: a Set of 'read', 'submit' and 'admin'; asked for once a token. */
    rights() {
        this.#rights ??= this.get('v1/limits').then(
            ({token}) => new Set(token?.rights ?? ['read', 'submit', 'admin']),
            () => { this.#rights = null; return new Set(); });
        return this.#rights;
    }

    async delete(path, options) {
        await this.ask(path, {method: 'DELETE', ...options});
    }

    async #send(path, {headers, ...options}) {
        const authorization = this.token ? {Authorization: `Bearer ${this.token}`} : {};
        try {
            const answer = await fetch(this.url(path), {headers: {...authorization, ...headers}, ...options});
            this.dispatchEvent(new Event('reached'));
            return answer;
        } catch (error) {
            throw this.failure(error);
        }
    }

    /** What is to be thrown for an error of fetch(), or of reading what it gave. */
    failure(error) {
        if (error.name === 'AbortError' || error instanceof Problem)
            return error;
        const problem = new Problem({detail: 'The daemon cannot be reached.'});
        this.dispatchEvent(new CustomEvent('lost', {detail: problem}));
        return problem;
    }

    /** Asks once for a token, however many are waiting for it. */
    async #askWithToken(path, options, problem) {
        this.#asking ??= this.#newToken(problem).finally(() => { this.#asking = null; });
        if (!await this.#asking)
            throw problem;
        options.signal?.throwIfAborted();
        return await this.ask(path, options);
    }

    async #newToken(problem) {
        const token = await this.askForToken(problem);
        if (token)
            this.token = token;
        this.#isRefused = !token; // and is not asked again until one is given
        return token;
    }
}

async function problemOf(answer) {
    const type = answer.headers.get('Content-Type') ?? '';
    const document = type.includes('json') ? await answer.json().catch(() => ({})) : {};
    return new Problem({...document, status: answer.status, title: document.title ?? answer.statusText});
}
