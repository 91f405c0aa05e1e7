// SPDX-License-Identifier: MIT

// Streams in JavaScript behind the classes of GIO, whose asynchronous operations run in a thread of
// GIO. As GJS runs JavaScript in its main thread only, that takes a CimplStream.DispatchStream;
// without one it is an error, and never the end of the data.
//
// What GJS itself logs about foreign threads is expected.

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gio from 'gi://Gio';

import CimplStream from 'gi://CimplStream?version=1.0';

import {assert, assertEqual, assertThrows, finish, test, textOf} from './tap.js';

const TEXT = 'one line\nanother line\n';

// A text that can be read, and whatever is written.
class Memory extends CimplStream.Stream {
    static {
        GObject.registerClass(this);
    }

    constructor() {
        super();
        this.position = 0;
        this.written = [];
        this.calls = 0;
    }

    vfunc_read_bytes(count) {
        this.calls++;
        const text = TEXT.slice(this.position, this.position + Math.min(count, 5));

        this.position += text.length;
        return new TextEncoder().encode(text);
    }

    vfunc_write(data) {
        this.calls++;
        this.written.push(...data);
        return [true, data.length];
    }

    vfunc_close() {
        return true;
    }

    get text() {
        return new TextDecoder().decode(Uint8Array.from(this.written));
    }
}

class Failing extends CimplStream.Stream {
    static {
        GObject.registerClass(this);
    }

    vfunc_read_bytes() {
        throw new Gio.IOErrorEnum({code: Gio.IOErrorEnum.NOT_FOUND, message: 'boom'});
    }

    vfunc_close() {
        return true;
    }
}

function dispatched(base) {
    return CimplStream.DispatchStream.new(base, null);
}

// Runs the main loop until what begin() starts has called back, and returns what end() makes of it.
function wait(begin, end) {
    const loop = new GLib.MainLoop(null, false);
    let result = null;

    begin((_source, asyncResult) => {
        result = asyncResult;
        loop.quit();
    });
    loop.run();
    return end(result);
}

function readAsync(input, count, cancellable = null) {
    return wait(callback => input.read_bytes_async(count, 0, cancellable, callback),
        result => input.read_bytes_finish(result));
}

function assertIOError(run, code) {
    const error = assertThrows(run);

    assert(error instanceof GLib.Error && error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum[code]),
        `${error} was thrown instead of ${code}`);
    return error;
}

test('sync', () => {
    const base = new Memory();
    const lines = Gio.DataInputStream.new(CimplStream.InputStream.new(base));

    assertEqual(lines.read_line_utf8(null)[0], 'one line');
    assertEqual(lines.read_line_utf8(null)[0], 'another line');
    assertEqual(lines.read_line_utf8(null)[0], null);
    base.close(null);
});

test('async/without-dispatch', () => {
    const base = new Memory();
    const input = CimplStream.InputStream.new(base);

    assertIOError(() => readAsync(input, 100), 'FAILED');
    assertEqual(base.calls, 0);
    assertEqual(textOf(input.read_bytes(100, null)), 'one l');
    base.close(null);
});

test('async/write-without-dispatch', () => {
    const base = new Memory();
    const output = CimplStream.OutputStream.new(base);
    const bytes = new GLib.Bytes(new TextEncoder().encode('abc'));

    assertIOError(() => wait(callback => output.write_bytes_async(bytes, 0, null, callback),
        result => output.write_bytes_finish(result)), 'FAILED');
    assertEqual(base.calls, 0);
    base.close(null);
});

test('async/read', () => {
    const base = new Memory();
    const input = CimplStream.InputStream.new(dispatched(base));
    let text = '';

    for (;;) {
        const part = textOf(readAsync(input, 100));

        if (part === '')
            break;
        text += part;
    }
    assertEqual(text, TEXT);
    base.close(null);
});

test('async/lines', () => {
    const base = new Memory();
    const lines = Gio.DataInputStream.new(CimplStream.InputStream.new(dispatched(base)));
    const readLine = () => wait(callback => lines.read_line_async(0, null, callback),
        result => lines.read_line_finish_utf8(result)[0]);

    assertEqual([readLine(), readLine(), readLine()], ['one line', 'another line', null]);
    base.close(null);
});

test('async/splice', () => {
    const [source, target] = [new Memory(), new Memory()];
    const input = CimplStream.InputStream.new(dispatched(source));
    const output = new CimplStream.OutputStream({base: dispatched(target), closeBase: true});
    const {CLOSE_SOURCE, CLOSE_TARGET} = Gio.OutputStreamSpliceFlags;
    const count = wait(
        callback => output.splice_async(input, CLOSE_SOURCE | CLOSE_TARGET, 0, null, callback),
        result => output.splice_finish(result));

    assertEqual(count, TEXT.length);
    assertEqual(target.text, TEXT);
    assert(input.is_closed() && output.is_closed(), 'the ends are not closed');
    assert(output.base.is_closed(), 'the base is not closed');
    assert(!source.is_closed(), 'the source is closed');
    source.close(null);
    target.close(null);
});

test('async/io-stream', () => {
    const base = new Memory();
    const stream = CimplStream.IOStream.new(dispatched(base));

    assertEqual(textOf(readAsync(stream.get_input_stream(), 3)), 'one');
    assert(wait(callback => stream.close_async(0, null, callback),
        result => stream.close_finish(result)), 'it is not closed');
    base.close(null);
});

test('async/throw', () => {
    const base = new Failing();
    const input = CimplStream.InputStream.new(dispatched(base));

    assertEqual(assertIOError(() => readAsync(input, 100), 'NOT_FOUND').message, 'boom');
    base.close(null);
});

test('async/cancelled', () => {
    const base = new Memory();
    const input = CimplStream.InputStream.new(dispatched(base));
    const cancellable = new Gio.Cancellable();

    cancellable.cancel();
    assertIOError(() => readAsync(input, 100, cancellable), 'CANCELLED');
    assertEqual(base.calls, 0);
    base.close(null);
});

finish();
