// An extension for the `cometd` client (8 and 9) by which it loses nothing: not to a broken connection, not to a hub that
// was killed, not to a session that ended.
//
//   import {ReplayExtension} from "./ReplayExtension.js";
//   const replay = new ReplayExtension({onGap: (channels) => …read the REST snapshot again…});
//   cometd.registerExtension("replay", replay);
//
// It remembers how far each channel has come and hands that over with every subscribe. After a broken connection of a
// session that lives on, subscribe again (the client does it by itself only after a new handshake): what was in the old
// connection comes again, and what was there already is not shown twice.
//
// `onGap` is called with the channels of which something is gone for good, because the client was away for longer than
// the history reaches. `positions` and `epoch` may be stored and given to the next page: new ReplayExtension(stored).

export class ReplayExtension {
    constructor({positions = {}, epoch = null, onGap = () => {}} = {}) {
        this.positions = {...positions};
        this.epoch = epoch;
        this._onGap = onGap;
        this._agreed = false;
        this._current = null;
    }

    outgoing(message) {
        if (message.channel === "/meta/handshake") {
            message.ext = {...message.ext, replay: true};
        } else if (message.channel === "/meta/subscribe" && this._agreed && Object.keys(this.positions).length) {
            message.ext = {...message.ext, replay: {...this.positions}};
            if (this.epoch !== null) {
                message.ext.replayEpoch = this.epoch;
            }
        }
        return message;
    }

    incoming(message) {
        const replay = message.ext?.replay;
        switch (message.channel) {
            case "/meta/handshake":
                this._agreed = message.successful && replay === true;
                this._current = message.ext?.replayEpoch ?? null;
                return message;
            case "/meta/subscribe":
                if (message.successful && replay) {
                    this._begin(replay);
                }
                return message;
            case "/meta/connect":
                Object.entries(replay ?? {}).forEach(([channel, position]) => this._reach(channel, position));
                return message;
            default:
                // A client that drops a message shows it to nobody: null.
                return typeof replay !== "number" || this._reach(message.channel, replay) ? message : null;
        }
    }

    // The answer to a subscribe says where each channel goes on; where nothing was asked for, that is where we are.
    _begin({gap = [], ...live}) {
        for (const [channel, position] of Object.entries(live)) {
            if (gap.includes(channel) || !(channel in this.positions)) {
                this.positions[channel] = position;
            }
        }
        this.epoch = this._current;
        if (gap.length) {
            this._onGap(gap);
        }
    }

    // Whether this is news.
    _reach(channel, position) {
        const isNews = !(position <= this.positions[channel]);
        if (isNews) {
            this.positions[channel] = position;
        }
        return isNews;
    }
}
