// SPDX-License-Identifier: MIT

// tests/behaviours.txt, which says what all of this means, on a stream written in JavaScript.

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gio from 'gi://Gio';

import CimplStream from 'gi://CimplStream?version=1.0';

import {assert, assertEqual, finish, isStreamError, skip, test, textOf} from './tap.js';

const {SeekMode, StreamError, StreamFlags} = CimplStream;

// Of a class that nothing else here throws, to be recognised at the caller.
function boom() {
    throw new RangeError('boom');
}

// What a faulty implementation does. Of several such functions, each gets a stream of its own.
const faults = {
    throw: [boom],
    nothing: [() => undefined, () => null],
    wrong: [() => 5, () => 'five', () => ({}), () => [], () => new Gio.Cancellable()],
    negative: [() => [true, -1]],
    zero: [() => [true, 0]],
    block: [() => {
        throw new StreamError({code: StreamError.WOULD_BLOCK, message: 'not now'});
    }],
    again: [(stream, _operation, _count) => stream.read_bytes(1, null)],
    'too-much': [(_stream, operation, count) =>
        operation === 'read' ? new GLib.Bytes(new Uint8Array(count + 1)) : [true, count + 1]],
};

// What the faults are put into: the ten bytes, in a class without what is missing.
function defineClass(missing) {
    class Memory extends CimplStream.Stream {
        constructor(operation, fault) {
            super();
            this.calls = {read: 0, write: 0, seek: 0, truncate: 0, flush: 0, close: 0};
            this.setFault(operation, fault);
            this._data = new TextEncoder().encode('0123456789');
            this._position = 0;
        }

        // FAULT is called instead of what OPERATION does; it is a count that cuts transfers, too.
        setFault(operation, fault) {
            this._faultyOperation = operation;
            this._fault = fault;
        }

        _serve(operation, count, serve) {
            this.calls[operation]++;
            if (operation !== this._faultyOperation)
                return serve(count);
            if (this._fault === 'short')
                return serve(1);
            return this._fault(this, operation, count);
        }

        _resize(size) {
            const data = new Uint8Array(size);

            data.set(this._data.subarray(0, size));
            this._data = data;
        }

        vfunc_read_bytes(wanted) {
            return this._serve('read', wanted, count => {
                const data = this._data.slice(this._position, this._position + count);

                this._position += data.length;
                return new GLib.Bytes(data);
            });
        }

        vfunc_write(data) {
            return this._serve('write', data.length, count => {
                const end = this._position + count;

                if (end > this._data.length)
                    this._resize(end);
                this._data.set(data.subarray(0, count), this._position);
                this._position = end;
                return [true, count];
            });
        }

        vfunc_seek(offset, mode) {
            return this._serve('seek', 0, () => {
                const origins = {
                    [SeekMode.START]: 0,
                    [SeekMode.CURRENT]: this._position,
                    [SeekMode.END]: this._data.length,
                };

                this._position = origins[mode] + offset;
                return [true, this._position];
            });
        }

        vfunc_truncate(size) {
            return this._serve('truncate', 0, () => {
                this._resize(size);
                return true;
            });
        }

        vfunc_flush() {
            return this._serve('flush', 0, () => true);
        }

        vfunc_close() {
            return this._serve('close', 0, () => true);
        }
    }

    delete Memory.prototype[missing === 'read' ? 'vfunc_read_bytes' : `vfunc_${missing}`];
    return GObject.registerClass({GTypeName: `Memory_without_${missing}`}, Memory);
}

const classes = {};

function newStream(operation, fault) {
    const missing = fault === 'missing' ? operation : 'none';

    classes[missing] ??= defineClass(missing);
    return new classes[missing](operation, fault);
}

function flagsToText(flags) {
    return ['readable', 'writable', 'seekable', 'truncatable']
        .filter(name => flags & StreamFlags[name.toUpperCase()]).join();
}

const encode = text => new TextEncoder().encode(text);

const codes = ['NOT_SUPPORTED', 'CLOSED', 'BUSY', 'CALLBACK_CONTRACT'];

// What the stream says that has failed first.
function failureToText(error) {
    if (error === null)
        return 'none';
    if (error.message.endsWith('boom'))
        return 'thrown';
    return codes.find(name => isStreamError(error, name)) ?? error.message;
}

// What a consumer calls.
const operations = {
    'read': (stream, count) => textOf(stream.read_bytes(Number(count), null)),
    'read-to-end': (stream, limit) => textOf(stream.read_to_end(Number(limit), null)),
    'write': (stream, text) => stream.write(encode(text), null),
    'write-all': (stream, text) => stream.write_all(encode(text), null)[1],
    'seek': (stream, offset, mode) =>
        stream.seek(Number(offset), SeekMode[mode.toUpperCase()], null),
    'tell': stream => stream.tell(null),
    'size': stream => stream.get_size(null),
    'truncate': (stream, size) => stream.truncate(Number(size), null),
    'flush': stream => stream.flush(null),
    'close': stream => stream.close(null),
    'closed': stream => stream.is_closed() ? 'yes' : 'no',
    'failed': stream => failureToText(stream.dup_failure()),
    'clear-failure': stream => stream.clear_failure() === 0,
    'flags': stream => flagsToText(stream.get_flags()[1]),
    'calls': (stream, operation) => stream.calls[operation],
};

// A value that GJS cannot convert never gets to the library: the caller has GJS's own error.
const gjsRefusal = new RegExp([
    /Expected type struct for Return value/,
    /returned unexpected value, expecting an Array/,
    /is not a subclass of GObject_Boxed/,
].map(({source}) => source).join('|'));

function isExpected(error, expected, fault) {
    if (expected === 'thrown')
        return error instanceof RangeError && error.message.endsWith('boom');
    if (expected === 'CALLBACK_CONTRACT' && ['nothing', 'wrong'].includes(fault) &&
        !(error instanceof GLib.Error) && gjsRefusal.test(error.message))
        return true;
    return isStreamError(error, expected);
}

function runStep(stream, step, fault) {
    const [, call, sign, expected] = step.match(/^(.*?)(?: ([=!]) (.*))?$/);
    const [name, ...args] = call.split(' ').map(word => word === '""' ? '' : word);
    let result;

    try {
        result = operations[name](stream, ...args);
    } catch (error) {
        assert(sign === '!' && isExpected(error, expected, fault), `${step}: ${error} was thrown`);
        return;
    }
    assert(sign !== '!', `${step}: nothing was thrown, but ${result} returned`);
    if (sign === '=')
        assertEqual(String(result), expected === '""' ? '' : expected, step);
    else
        assertEqual(result, true, step);
}

function runSteps(stream, steps, fault) {
    try {
        for (const step of steps)
            runStep(stream, step, fault);
    } finally {
        stream.setFault(null, null);
        stream.close(null);
    }
}

function runRow(operation, fault, steps) {
    if (operation === 'read' && fault === 'negative')
        skip('a GLib.Bytes has no negative size');
    for (const act of faults[fault] ?? [fault])
        runSteps(newStream(operation, act), steps, fault);
}

const table = Gio.File.new_for_uri(import.meta.url).resolve_relative_path('../../behaviours.txt');
const [, contents] = table.load_contents(null);

for (const line of new TextDecoder().decode(contents).split('\n')) {
    if (line === '' || line.startsWith('#'))
        continue;

    const [name, fault, steps] = line.split('|').map(cell => cell.trim());
    const [operation, kind] = fault === '-' ? [null, null] : fault.split(':');

    test(name, () => runRow(operation, kind, steps.split(';').map(step => step.trim())));
}
finish();
