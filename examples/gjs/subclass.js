// SPDX-License-Identifier: MIT

// A subclass of CimplStream in JavaScript: a filter that hides letters from who looks at the
// other side. It is read here by a native library, examples/c/checksum.c.
//
// The first half is the class, to be copied for any filter.

import Gio from 'gi://Gio';
import GObject from 'gi://GObject';

import Checksum from 'gi://Checksum?version=1.0';
import CimplStream from 'gi://CimplStream?version=1.0';

function rotate(bytes) {
    return bytes.map(byte => {
        const upper = byte & ~0x20;

        if (upper < 65 || upper > 90)
            return byte;
        return byte + (upper < 78 ? 13 : -13);
    });
}

// Letters that are read from or written to another stream are rotated by 13 places. Position and
// size are those of the other stream, which is not closed.
//
// What is thrown in here, or comes from the base, arrives at whoever called the filter.
class Rot13Stream extends CimplStream.Stream {
    static {
        GObject.registerClass({
            GTypeName: 'Rot13Stream',
            Properties: {
                base: GObject.ParamSpec.object('base', 'Base', 'The stream on the other side',
                    GObject.ParamFlags.READWRITE | GObject.ParamFlags.CONSTRUCT_ONLY,
                    CimplStream.Stream),
            },
        }, this);
    }

    // The result may be shorter than asked for, but is empty at the end only. A Uint8Array does.
    vfunc_read_bytes(count, cancellable) {
        return rotate(this.base.read_bytes(count, cancellable).toArray());
    }

    // Returns whether it worked, and how many bytes of the data were written.
    vfunc_write(data, cancellable) {
        return [true, this.base.write(rotate(data), cancellable)];
    }

    // Returns whether it worked, and the new position.
    vfunc_seek(offset, mode, cancellable) {
        return [true, this.base.seek(offset, mode, cancellable)];
    }

    vfunc_truncate(size, cancellable) {
        return this.base.truncate(size, cancellable);
    }

    // Also runs when the stream is closed, if something was written since the last time.
    vfunc_flush(cancellable) {
        return this.base.flush(cancellable);
    }

    // By default a stream says that it can do what its class overrides, here everything.
    vfunc_query_flags() {
        return this.base.get_flags();
    }
}

// The program. What lies under the filter is an array of bytes.

class ArrayStream extends CimplStream.Stream {
    static {
        GObject.registerClass(this);
    }

    constructor() {
        super();
        this.bytes = [];
        this._position = 0;
    }

    vfunc_read_bytes(count) {
        const bytes = Uint8Array.from(this.bytes.slice(this._position, this._position + count));

        this._position += bytes.length;
        return bytes;
    }

    vfunc_write(data) {
        this.bytes.splice(this._position, data.length, ...data);
        this._position += data.length;
        return [true, data.length];
    }

    vfunc_seek(offset, mode) {
        const {START, CURRENT, END} = CimplStream.SeekMode;
        const origins = {[START]: 0, [CURRENT]: this._position, [END]: this.bytes.length};

        this._position = Math.min(origins[mode] + offset, this.bytes.length);
        return [true, this._position];
    }
}

class BrokenStream extends CimplStream.Stream {
    static {
        GObject.registerClass(this);
    }

    vfunc_read_bytes() {
        throw new Gio.IOErrorEnum({
            code: Gio.IOErrorEnum.CONNECTION_CLOSED,
            message: 'the cable is loose',
        });
    }
}

function expect(what, got, expected) {
    print(`${`${what}:`.padEnd(20)} ${got}`);
    if (got !== expected)
        throw new Error(`${what}: expected ${expected}`);
}

const textOf = bytes => new TextDecoder().decode(bytes);

function useFilter(filter) {
    const {START} = CimplStream.SeekMode;

    filter.write_all('Hello, streams!', null);
    expect('written', textOf(Uint8Array.from(filter.base.bytes)), 'Uryyb, fgernzf!');

    expect('moved to', filter.seek(7, START, null), 7);
    expect('read back', textOf(filter.read_to_end(100, null).toArray()), 'streams!');

    // The native library calls the stream, and knows neither JavaScript nor filters.
    filter.seek(0, START, null);
    expect('its checksum', Checksum.crc32(filter).toString(16), 'd15cd0b4');
}

function showError() {
    try {
        Checksum.crc32(new Rot13Stream({base: new BrokenStream()}));
    } catch (error) {
        expect('thrown in the base', error.message, 'the cable is loose');
        expect('as what it was', error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CONNECTION_CLOSED),
            true);
        return;
    }
    throw new Error('the error did not arrive');
}

const filter = new Rot13Stream({base: new ArrayStream()});

// Close what was written to: GJS runs no JavaScript when it collects a stream that was dropped,
// and so would neither flush nor close it.
try {
    useFilter(filter);
} finally {
    filter.close(null);
}
expect('base is closed', filter.base.is_closed(), false);
filter.base.close(null);

showError();
print('All as expected.');
