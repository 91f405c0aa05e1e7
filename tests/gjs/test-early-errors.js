// SPDX-License-Identifier: MIT

// Errors of the library's domain that exist before it has made one itself: they must have been
// made like those that come after them, or freeing them breaks the heap.

import System from 'system';

import CimplStream from 'gi://CimplStream?version=1.0';

import {assertEqual, finish, test} from './tap.js';

const {StreamError} = CimplStream;

function makeErrors() {
    return Array.from({length: 1000}, (_, i) =>
        new StreamError({code: StreamError.NO_SPACE, message: `error ${i}`}));
}

test('early-errors', () => {
    let early = makeErrors();

    StreamError.quark();
    early = null;
    System.gc();
    assertEqual(makeErrors().at(-1).message, 'error 999');
});
finish();
