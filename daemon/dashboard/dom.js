// Making elements. All text becomes text nodes: what an origin has sent is never markup.

const SVG = 'http://www.w3.org/2000/svg';

function set(element, name, value) {
    if (value === undefined || value === null || value === false)
        return;
    if (name.startsWith('on'))
        element.addEventListener(name.slice(2), value);
    else if (name === 'style') // by properties: the page's policy forbids the attribute
        for (const [property, text] of Object.entries(value))
            element.style.setProperty(property, text);
    else if (name === 'value' || name === 'checked')
        element[name] = value;
    else
        element.setAttribute(name, value === true ? '' : value);
}

function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {}))
        set(element, name, value);
    element.append(...present(children));
    return element;
}

function present(children) {
    return children.flat(Infinity).filter(child => child !== undefined && child !== null && child !== false);
}

/** h('a', {href: '#/now', onclick: go}, 'Now', ' ', h('b', null, 5)): null and false are left out. */
export function h(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

/** The same for an element of a drawing. */
export function svg(tag, attributes, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Gives an element other children. */
export function replace(element, ...children) {
    element.replaceChildren(...present(children));
}

/** Writes only what is new, so that screen readers are not told the same again. */
export function setText(element, text) {
    if (element.textContent !== String(text))
        element.textContent = text;
}

/** Brings a list of rows up to date: a row stays the same element, and keeps focus, as long as its key is there.
 *  make(item) makes one, update(element, item) writes what has changed. */
export function reconcile(parent, items, keyOf, make, update) {
    const old = new Map([...parent.children].map(element => [element.dataset.key, element]));
    let place = parent.firstElementChild;
    for (const item of items) {
        const key = String(keyOf(item));
        let element = old.get(key);
        old.delete(key);
        if (!element) {
            element = make(item);
            element.dataset.key = key;
        }
        update(element, item);
        if (element === place)
            place = place.nextElementSibling;
        else
            parent.insertBefore(element, place);
    }
    for (const element of old.values())
        element.remove();
}
