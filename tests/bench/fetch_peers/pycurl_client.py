"""A peer of `./dev bench fetch`: libcurl from Python, as pycurl's example retriever-multi.py does it.

pycurl_client.py URLS CONCURRENCY fetches the URLs in a file and prints one JSON object.
"""

import io
import json
import sys
import time

import pycurl


def new_handle():
    handle = pycurl.Curl()
    handle.setopt(pycurl.NOSIGNAL, 1)
    return handle


def start(multi, handle, url):
    handle.body = io.BytesIO()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.WRITEDATA, handle.body)
    multi.add_handle(handle)


def ended(multi):
    """The handles of transfers that are over, off the multi handle."""
    n_left = 1
    while n_left:
        n_left, succeeded, failed = multi.info_read()
        for handle in (*succeeded, *(handle for handle, _code, _text in failed)):
            multi.remove_handle(handle)
            yield handle


def perform(multi):
    while multi.perform()[0] == pycurl.E_CALL_MULTI_PERFORM:
        pass


def gather(urls, concurrency):
    multi, todo, results = pycurl.CurlMulti(), iter(urls), []
    for _, url in zip(range(concurrency), todo):
        start(multi, new_handle(), url)
    while len(results) < len(urls):
        perform(multi)
        for handle in ended(multi):
            results.append((handle.getinfo(pycurl.RESPONSE_CODE), len(handle.body.getvalue())))
            if url := next(todo, None):
                start(multi, handle, url)
        multi.select(0.05)
    return results


def main(path, concurrency):
    with open(path, encoding="ascii") as file:
        urls = file.read().split()
    wall, cpu = time.monotonic(), time.process_time()
    results = gather(urls, int(concurrency))
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(json.dumps({
        "ok": sum(status == 200 for status, _ in results),
        "body_bytes": sum(size for _, size in results),
        "wall_s": wall,
        "cpu_s": cpu,
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
