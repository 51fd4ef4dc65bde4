// setTimeout and clearTimeout by the worker. The `cometd` client can make a worker of its own, but from a text, which
// the Content-Security-Policy of the console does not permit.

const policy = globalThis.trustedTypes?.createPolicy("worker", {createScriptURL: (url) => url});
const address = new URL("ticker.js", import.meta.url).href;
const worker = new Worker(policy ? policy.createScriptURL(address) : address);
const waiting = new Map();
let last = 0;

worker.onmessage = ({data: id}) => {
    const work = waiting.get(id);
    waiting.delete(id);
    work?.();
};

export function setTimer(work, delay) {
    last += 1;
    waiting.set(last, work);
    worker.postMessage({id: last, delay});
    return last;
}

export function clearTimer(id) {
    if (waiting.delete(id)) {
        worker.postMessage({id, delay: null});
    }
}
