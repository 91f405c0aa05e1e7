// SPDX-License-Identifier: MIT

// Classes in JavaScript by introspection alone: what their errors become, which of the two read
// slots serves, chaining up, and what else a consumer can call.

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gio from 'gi://Gio';

import CimplStream from 'gi://CimplStream?version=1.0';
import CimplTest from 'gi://CimplTest?version=1.0';

import {assert, assertEqual, assertStreamError, assertThrows, finish, test, textOf} from './tap.js';

const {SeekMode, StreamError, StreamFlags} = CimplStream;

let nClasses = 0;

function register(klass) {
    return GObject.registerClass({GTypeName: `SubclassTest${++nClasses}`}, klass);
}

// Reads by calling a function.
const Source = register(class extends CimplStream.Stream {
    constructor(read) {
        super();
        this._read = read;
    }

    vfunc_read_bytes(count) {
        return this._read(count);
    }
});

const Sink = register(class extends CimplStream.Stream {
    constructor() {
        super();
        this.text = '';
    }

    vfunc_write(data) {
        this.text += new TextDecoder().decode(data);
        return [true, data.length];
    }
});

const Letters = register(class extends CimplStream.Stream {
    constructor() {
        super();
        this._rest = 'abcdefghij';
    }

    vfunc_read_bytes(count) {
        const text = this._rest.slice(0, count);

        this._rest = this._rest.slice(count);
        return new TextEncoder().encode(text); // becomes a GLib.Bytes
    }
});

// Reads three bytes at most.
const Threes = register(class extends CimplTest.Digits {
    vfunc_read(address, count, cancellable) {
        return super.vfunc_read(address, Math.min(count, 3), cancellable);
    }
});

// Errors: [name, what is thrown, check of what arrives].

class CustomError extends Error {
    get name() {
        return 'CustomError';
    }
}

const thrownErrors = [
    ['Error', new Error('boom'), error => error.constructor === Error],
    ['TypeError', new TypeError('boom'), error => error instanceof TypeError],
    // GJS knows the classes of the language only.
    ['custom', new CustomError('boom'), error => error.constructor === Error],
    ['IOErrorEnum', new Gio.IOErrorEnum({code: Gio.IOErrorEnum.NOT_FOUND, message: 'boom'}),
        error => error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.NOT_FOUND)],
    ['FileError', new GLib.Error(GLib.FileError, GLib.FileError.NOSPC, 'boom'),
        error => error.matches(GLib.FileError, GLib.FileError.NOSPC)],
    ['StreamError', new StreamError({code: StreamError.NO_SPACE, message: 'boom'}),
        error => error.matches(StreamError, StreamError.NO_SPACE)],
];

function throwing(error) {
    return new Source(() => {
        throw error;
    });
}

for (const [name, thrown, isSame] of thrownErrors) {
    test(`errors/${name}`, () => {
        const error = assertThrows(() => throwing(thrown).read_bytes(1, null));

        assert(isSame(error), `${error} arrived`);
        assertEqual(error.message, 'boom');
    });
}

test('errors/no-error', () => {
    const error = assertThrows(() => throwing('boom').read_bytes(1, null));

    assertEqual(error.message, 'Non-exception string value "boom" thrown');
});

test('errors/progress', () => {
    const pieces = ['abc'];
    const stream = new Source(() => {
        if (pieces.length === 0)
            throw new TypeError('boom');
        return new TextEncoder().encode(pieces.shift());
    });
    const error = assertThrows(() => stream.read_to_end(100, null));

    assert(error instanceof TypeError, `${error} arrived`);
    assertEqual(error.message, 'Read 3 bytes, then: boom');
});

test('errors/caught-inside', () => {
    const faulty = throwing(new Error('boom'));
    const stream = new Source(() => {
        try {
            return faulty.read_bytes(1, null);
        } catch {
            return new TextEncoder().encode('x');
        }
    });

    assertEqual(textOf(stream.read_bytes(1, null)), 'x');
});

// What a native library sees of the same errors, by the plain C API.

test('errors/dup-last-none', () => assertEqual(StreamError.dup_last(), null));

for (const [name, thrown, isSame] of thrownErrors) {
    test(`errors/dup-last/${name}`, () => {
        assertEqual(CimplTest.read_plainly(throwing(thrown)), -1);
        const error = StreamError.dup_last();

        assert(isSame(error), `${error} arrived`);
        assertEqual(error.message, 'boom');
    });
}

// The read slots: [name, class, what 4 bytes read and then everything else come to].
const readers = [
    ['c', CimplTest.Digits, '0123', '456789'],
    ['js', Letters, 'abcd', 'efghij'],
    ['js-inherited', class extends Letters {}, 'abcd', 'efghij'],
    ['js-over-js', class extends Letters {
        vfunc_read_bytes(count) {
            return super.vfunc_read_bytes(count).map(byte => byte - 32);
        }
    }, 'ABCD', 'EFGHIJ'],
    // A class in JavaScript may take the slot that its parent in C does not override, ...
    ['other-slot-than-c', class extends CimplTest.Digits {
        vfunc_read_bytes(count, cancellable) {
            return super.vfunc_read_bytes(count, cancellable).toArray().map(byte => byte + 49);
        }
    }, 'abcd', 'efghij'],
    // ... and in the other one it cannot fill the buffer, but it can pass it on.
    ['same-slot-as-c', Threes, '012', '3456789'],
    ['three-levels', class extends Threes {
        vfunc_read_bytes(count, cancellable) {
            return super.vfunc_read_bytes(count - 1, cancellable);
        }
    }, '012', '3456789'],
    ['other-slot-than-js', class extends Letters {
        vfunc_read(address, count, cancellable) {
            return super.vfunc_read(address, Math.min(count, 3), cancellable);
        }
    }, 'abc', 'defghij'],
];

for (const [name, klass, start, rest] of readers) {
    test(`read-slots/${name}`, () => {
        const stream = new (Object.hasOwn(klass, '$gtype') ? klass : register(klass))();

        assertEqual(textOf(stream.read_bytes(4, null)), start);
        assertEqual(textOf(stream.read_to_end(100, null)), rest);
        assertEqual(stream.get_flags(), [true, StreamFlags.READABLE]);
    });
}

// Chaining up to the base class, which cannot read, ends in an error and not in a recursion.
const chainsUp = {
    'read_bytes': class extends CimplStream.Stream {
        vfunc_read_bytes(count, cancellable) {
            return super.vfunc_read_bytes(count, cancellable);
        }
    },
    'read': class extends CimplStream.Stream {
        vfunc_read(address, count, cancellable) {
            return super.vfunc_read(address, count, cancellable);
        }
    },
    'both': class extends CimplStream.Stream {
        vfunc_read(address, count, cancellable) {
            return super.vfunc_read(address, count, cancellable);
        }

        vfunc_read_bytes(count, cancellable) {
            return super.vfunc_read_bytes(count, cancellable);
        }
    },
};

for (const [name, klass] of Object.entries(chainsUp)) {
    test(`chain-up/${name}`, () => {
        const stream = new (register(klass))();

        assertStreamError(() => stream.read_bytes(4, null), 'NOT_SUPPORTED');
        assertStreamError(() => stream.read_to_end(4, null), 'NOT_SUPPORTED');
    });
}

test('chain-up/others', () => {
    const Chaining = register(class extends CimplStream.Stream {
        vfunc_write(data, cancellable) {
            return super.vfunc_write(data, cancellable);
        }

        vfunc_seek(offset, mode, cancellable) {
            return super.vfunc_seek(offset, mode, cancellable);
        }

        vfunc_truncate(size, cancellable) {
            return super.vfunc_truncate(size, cancellable);
        }

        vfunc_flush(cancellable) {
            return super.vfunc_flush(cancellable);
        }

        vfunc_close(cancellable) {
            return super.vfunc_close(cancellable);
        }
    });
    const stream = new Chaining();

    assertStreamError(() => stream.write('x', null), 'NOT_SUPPORTED');
    assertStreamError(() => stream.seek(0, SeekMode.START, null), 'NOT_SUPPORTED');
    assertStreamError(() => stream.truncate(0, null), 'NOT_SUPPORTED');
    assertEqual(stream.flush(null), true);
    assertEqual(stream.close(null), true);
});

test('flags/overridden', () => {
    const Modest = register(class extends Letters {
        vfunc_query_flags() {
            const [success, flags] = super.vfunc_query_flags();

            return [success, flags | StreamFlags.SEEKABLE];
        }
    });

    assertEqual(new Modest().get_flags(), [true, StreamFlags.READABLE | StreamFlags.SEEKABLE]);
});

test('flags/unknown', () => {
    const Boasting = register(class extends Letters {
        vfunc_query_flags() {
            return [true, 1 << 10];
        }
    });

    assertStreamError(() => new Boasting().get_flags(), 'CALLBACK_CONTRACT');
});

test('copy', () => {
    const sink = new Sink();
    const progress = [];

    assertEqual(new Letters().copy(sink, -1, n => progress.push(n), null), [true, 10]);
    assertEqual(sink.text, 'abcdefghij');
    assertEqual(progress, [10]);
});

test('copy/limit', () => {
    const sink = new Sink();

    assertEqual(new Letters().copy(sink, 7, null, null), [true, 7]);
    assertEqual(sink.text, 'abcdefg');
});

test('copy/source-throws', () => {
    const source = throwing(new TypeError('boom'));
    const error = assertThrows(() => source.copy(new Sink(), -1, null, null));

    assert(error instanceof TypeError && error.message.endsWith('boom'), `${error} arrived`);
});

test('copy/target-throws', () => {
    const Full = register(class extends CimplStream.Stream {
        vfunc_write() {
            throw new StreamError({code: StreamError.NO_SPACE, message: 'boom'});
        }
    });

    assertStreamError(() => new Letters().copy(new Full(), -1, null, null), 'NO_SPACE');
});

test('cancelled', () => {
    const cancellable = new Gio.Cancellable();
    const stream = new Source((_count) => {
        throw new Error('called');
    });

    cancellable.cancel();
    assertStreamError(() => stream.read_bytes(1, cancellable), 'CANCELLED');
});

test('from-handle', () => {
    const stream = new Letters();

    assert(CimplStream.Stream.from_handle(CimplTest.get_handle(stream)) === stream,
        'another object came back');
    assertStreamError(() => CimplStream.Stream.from_handle(0), 'NULL_PARAMETER');
    assertStreamError(() => CimplStream.Stream.from_handle(12345), 'INVALID_HANDLE');
});

finish();
