// SPDX-License-Identifier: MIT

// Streams in JavaScript that a native library uses in a thread of its own. GJS runs JavaScript in
// its main thread only: elsewhere that is an error, unless a CimplStream.DispatchStream brings the
// operations to the main loop.
//
// What GJS itself logs about foreign threads is expected.

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gio from 'gi://Gio';
import System from 'system';

import CimplStream from 'gi://CimplStream?version=1.0';
import CimplTest from 'gi://CimplTest?version=1.0';

import {assert, assertEqual, assertStreamError, assertThrows, finish, test} from './tap.js';

const {DispatchStream, StreamFlags} = CimplStream;
const {Operation} = CimplTest;

// Can do everything, and remembers what it was called for.
class Recorder extends CimplStream.Stream {
    static {
        GObject.registerClass(this);
    }

    constructor() {
        super();
        this.calls = [];
    }

    vfunc_read_bytes(count) {
        this.calls.push('READ');
        return new TextEncoder().encode('abcdefghij'.slice(0, count));
    }

    vfunc_write(data) {
        this.calls.push('WRITE');
        return [true, data.length];
    }

    vfunc_seek(offset) {
        this.calls.push('SEEK');
        return [true, offset];
    }

    vfunc_truncate() {
        this.calls.push('TRUNCATE');
        return true;
    }

    vfunc_flush() {
        this.calls.push('FLUSH');
        return true;
    }

    vfunc_close() {
        this.calls.push('CLOSE');
        return true;
    }

    vfunc_query_flags() {
        this.calls.push('GET_FLAGS');
        return [true, StreamFlags.READABLE | StreamFlags.TRUNCATABLE];
    }
}

// Reads by calling a function.
class Source extends CimplStream.Stream {
    static {
        GObject.registerClass(this);
    }

    constructor(read) {
        super();
        this._read = read;
    }

    vfunc_read_bytes(count, cancellable) {
        return this._read(count, cancellable);
    }
}

// What the operations come to, for a count of 3.
const results = {
    READ: 'abc',
    WRITE: 3,
    SEEK: 3,
    TRUNCATE: true,
    FLUSH: true,
    GET_FLAGS: StreamFlags.READABLE | StreamFlags.TRUNCATABLE,
    CLOSE: true,
};

function unpack(variant) {
    const result = variant.deepUnpack();

    return result instanceof Uint8Array ? new TextDecoder().decode(result) : result;
}

// Runs an operation in another thread while this one, which runs no main loop, waits.
function runBlocking(stream, operation) {
    return unpack(CimplTest.run_in_thread(stream, Operation[operation], 3, null));
}

// The two halves of the same with a main loop.
function start(stream, operation, cancellable = null) {
    const pending = {loop: new GLib.MainLoop(null, false), result: null};

    CimplTest.run_in_thread_async(stream, Operation[operation], 3, cancellable, (_source, result) => {
        pending.result = result;
        pending.loop.quit();
    });
    return pending;
}

function wait(pending) {
    if (pending.result === null)
        pending.loop.run();
    return unpack(CimplTest.run_in_thread_finish(pending.result));
}

function iterate() {
    const context = GLib.MainContext.default();

    while (context.pending())
        context.iteration(false);
}

test('thread/c', () => assertEqual(runBlocking(new CimplTest.Digits(), 'READ'), '012'));

for (const operation of Object.keys(results)) {
    test(`foreign-thread/${operation}`, () => {
        const stream = new Recorder();

        assertStreamError(() => runBlocking(stream, operation), 'CALLBACK_CONTRACT');
        assertEqual(stream.calls, []);
        stream.close(null);
    });
}

function newDispatch(base) {
    return new DispatchStream({base, closeBase: true});
}

for (const [operation, result] of Object.entries(results)) {
    test(`dispatch/${operation}`, () => {
        const base = new Recorder();
        const stream = newDispatch(base);

        assertEqual(wait(start(stream, operation)), result);
        assert(base.calls.includes(operation), `only ${base.calls} was called`);
        assertEqual(base.is_closed(), operation === 'CLOSE');
        stream.close(null);
    });
}

test('dispatch/constructor', () => {
    const stream = DispatchStream.new(new Source(() => new TextEncoder().encode('abc')), null);

    assertEqual(wait(start(stream, 'READ')), 'abc');
});

// What runs the main loop may use the stream, too.
test('dispatch/main-thread', () => {
    const stream = newDispatch(new Recorder());

    assertEqual(stream.read_bytes(3, null).toArray().length, 3);
    assertEqual(stream.close(null), true);
});

test('dispatch/throw', () => {
    const stream = newDispatch(new Source(() => {
        throw new TypeError('boom');
    }));
    const error = assertThrows(() => wait(start(stream, 'READ')));

    assert(error instanceof TypeError, `${error} arrived`);
    assertEqual(error.message, 'boom');
});

test('dispatch/throw-gio', () => {
    const stream = newDispatch(new Source(() => {
        throw new Gio.IOErrorEnum({code: Gio.IOErrorEnum.NOT_FOUND, message: 'boom'});
    }));
    const error = assertThrows(() => wait(start(stream, 'READ')));

    assert(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.NOT_FOUND), `${error} arrived`);
    assertEqual(error.message, 'boom');
});

test('dispatch/return-nothing', () => {
    assertStreamError(() => wait(start(newDispatch(new Source(() => null)), 'READ')),
        'CALLBACK_CONTRACT');
});

test('dispatch/cancelled-before', () => {
    const base = new Recorder();
    const stream = newDispatch(base);
    const cancellable = new Gio.Cancellable();
    const pending = start(stream, 'READ', cancellable);

    cancellable.cancel();
    assertStreamError(() => wait(pending), 'CANCELLED');
    iterate();
    assert(!base.calls.includes('READ'), 'the base was read');
    stream.close(null);
});

// The caller leaves while JavaScript still runs; that does no harm to the next operation.
test('dispatch/cancelled-inside', () => {
    const left = [];
    const stream = newDispatch(new Source((_count, cancellable) => {
        if (cancellable !== null) {
            cancellable.cancel();
            left.push(assertThrows(() => wait(pending)));
        }
        return new TextEncoder().encode('abc');
    }));
    const pending = start(stream, 'READ', new Gio.Cancellable());

    while (left.length === 0)
        GLib.MainContext.default().iteration(true);
    assertStreamError(() => {
        throw left[0];
    }, 'CANCELLED');
    assertEqual(wait(start(stream, 'READ')), 'abc');
});

test('dispatch/timeout', () => {
    const base = new Recorder();
    const stream = newDispatch(base);

    stream.timeout = 20;
    const error = assertStreamError(() => runBlocking(stream, 'READ'), 'IO_OPERATION');

    assert(/did not begin the operation within 20 ms/.test(error.message), error.message);
    iterate();
    assertEqual(base.calls, []);
    assertEqual(wait(start(stream, 'READ')), 'abc');
    stream.close(null);
});

// Held by the other thread alone.
test('dispatch/collected', () => {
    const pending = start(newDispatch(new Source(() => new TextEncoder().encode('abc'))), 'READ');

    System.gc();
    assertEqual(wait(pending), 'abc');
    System.gc();
});

finish();
