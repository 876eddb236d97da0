// Which view is shown: location.hash, '#/jobs/job_01...?status=running'.

/** '#/jobs/x?status=done' becomes {path: ['jobs', 'x'], query: {status: 'done'}}. */
export function parse(hash) {
    const [path, query] = hash.replace(/^#\/?/, '').split('?');
    return {
        path: path.split('/').filter(Boolean).map(decodeURIComponent),
        query: Object.fromEntries(new URLSearchParams(query)),
    };
}

/** link('jobs', id) or link('jobs', {status: 'done'}): the href of a view. */
export function link(...parts) {
    const query = typeof parts.at(-1) === 'object' ? parts.pop() : {};
    const said = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
    return '#/' + parts.map(encodeURIComponent).join('/') + (said.size ? `?${said}` : '');
}

function matches(pattern, path) {
    return pattern.length === path.length &&
        pattern.every((segment, i) => segment.startsWith(':') || segment === path[i]);
}

/** Shows the view of each hash in the element, one at a time.
 *
 *  routes   [{path: ['jobs', ':id'], view}]: the first is where one begins; a view's show(element, api, params)
 *           fills the element, and returns what stops it. params: the named segments, and the query
 *  onshow   (route, params): another view is shown */
export function run(routes, element, api, onshow) {
    let stop = () => {};
    const change = () => {
        const {path, query} = parse(location.hash);
        const route = routes.find(({path: pattern}) => matches(pattern, path));
        if (!route)
            return location.replace(link(...routes[0].path));
        const named = route.path.map((segment, i) => [segment.slice(1), path[i]])
            .filter((_, i) => route.path[i].startsWith(':'));
        const params = {...query, ...Object.fromEntries(named)};
        stop();
        element.replaceChildren();
        stop = route.view.show(element, api, params) ?? (() => {});
        onshow(route, params);
        return undefined;
    };
    addEventListener('hashchange', change);
    change();
    return change; // shows the view anew
}
