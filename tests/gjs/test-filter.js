// SPDX-License-Identifier: MIT

// Filters in JavaScript, and a fault stream that tests them.

import GObject from 'gi://GObject';

import CimplStream from 'gi://CimplStream?version=1.0';
import CimplTest from 'gi://CimplTest?version=1.0';

import {assert, assertEqual, assertStreamError, finish, test, textOf} from './tap.js';

const {FaultOperation, FaultUnit, StreamError, StreamFlags} = CimplStream;

const Pass = GObject.registerClass(class FilterTestPass extends CimplStream.FilterStream {
});

// Digits as letters.
const Letters = GObject.registerClass(class FilterTestLetters extends CimplStream.FilterStream {
    vfunc_read_bytes(count, cancellable) {
        return super.vfunc_read_bytes(count, cancellable).toArray().map(byte => byte + 49);
    }
});

// The other slot than its parent.
const Threes = GObject.registerClass(class FilterTestThrees extends Letters {
    vfunc_read(address, count, cancellable) {
        return super.vfunc_read(address, Math.min(count, 3), cancellable);
    }
});

test('passes', () => {
    const stream = new Pass({base: new CimplTest.Digits()});

    assertEqual(stream.get_flags(), [true, StreamFlags.READABLE]);
    assertEqual(textOf(stream.read_bytes(4, null)), '0123');
    assertStreamError(() => stream.write('x', null), 'NOT_SUPPORTED');
    assertEqual(stream.flush(null), true);
});

test('read-bytes', () => {
    const stream = new Letters({base: new CimplTest.Digits()});

    assertEqual(textOf(stream.read_bytes(4, null)), 'abcd');
    assertEqual(textOf(stream.read_to_end(100, null)), 'efghij');
});

test('read-over-read-bytes', () => {
    const stream = new Threes({base: new CimplTest.Digits()});

    assertEqual(textOf(stream.read_bytes(4, null)), 'abc');
    assertEqual(textOf(stream.read_to_end(100, null)), 'defghij');
});

for (const closeBase of [false, true]) {
    test(`close-base/${closeBase}`, () => {
        const base = new CimplTest.Digits();
        const stream = new Pass({base, closeBase});

        assert(stream.base === base && stream.get_base() === base, 'another base');
        stream.close(null);
        assertEqual(base.is_closed(), closeBase);
    });
}

test('no-base', () => {
    assertStreamError(() => new Pass().read_bytes(4, null), 'NULL_PARAMETER');
});

test('faults', () => {
    const faults = CimplStream.FaultStream.new(new CimplTest.Digits());
    const stream = new Letters({base: faults});

    faults.add_error(FaultOperation.READ, 5, FaultUnit.BYTES, 1, StreamError.NO_SPACE);
    assertEqual(textOf(stream.read_bytes(100, null)), 'abcde');
    assertStreamError(() => stream.read_bytes(100, null), 'NO_SPACE');
    assertEqual(textOf(stream.read_to_end(100, null)), 'fghij');
    assertEqual(faults.get_n_bytes(FaultOperation.ANY), 10);
});

finish();
