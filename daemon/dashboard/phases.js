// The phases of a request, in their order: what bars are made of, and what they are called.

/** retries: earlier attempts and the pauses after them. */
export const PHASES = ['queue', 'retries', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];

/** How long each took, in ms; 0 of what did not happen. */
export function phasesOf({queue_ms, elapsed_ms, total_ms, ...timings}) {
    const rest = Math.round(1000 * (elapsed_ms - queue_ms - total_ms)) / 1000; // sums of decimals are not exact
    const retries = Math.max(0, rest);
    return PHASES.map(phase => ({queue: queue_ms, retries})[phase] ?? timings[`${phase}_ms`] ?? 0);
}
