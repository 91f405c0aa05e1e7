// SPDX-License-Identifier: MIT

// Streams in JavaScript that a native library uses in a thread of its own. GJS runs JavaScript in
// its main thread only: elsewhere that is an error.
//
// What GJS itself logs about foreign threads is expected.

import GObject from 'gi://GObject';

import CimplStream from 'gi://CimplStream?version=1.0';
import CimplTest from 'gi://CimplTest?version=1.0';

import {assertEqual, assertStreamError, finish, test} from './tap.js';

const {StreamFlags} = CimplStream;
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

test('thread/c', () => assertEqual(runBlocking(new CimplTest.Digits(), 'READ'), '012'));

for (const operation of Object.keys(results)) {
    test(`foreign-thread/${operation}`, () => {
        const stream = new Recorder();

        assertStreamError(() => runBlocking(stream, operation), 'CALLBACK_CONTRACT');
        assertEqual(stream.calls, []);
        stream.close(null);
    });
}

finish();
