// A worker whose timers run on time: browsers slow down those of a page that nobody looks at, and a desktop that comes
// back to its hub once a minute would be taken for gone.

const timers = new Map();

onmessage = ({data: {id, delay}}) => {
    if (delay === null) {
        clearTimeout(timers.get(id));
        timers.delete(id);
    } else {
        timers.set(id, setTimeout(() => {
            timers.delete(id);
            postMessage(id);
        }, delay));
    }
};
