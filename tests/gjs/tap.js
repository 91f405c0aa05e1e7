// SPDX-License-Identifier: MIT

// What the tests in JavaScript share: they print TAP, one line per case.

import GLib from 'gi://GLib';
import System from 'system';

import CimplStream from 'gi://CimplStream?version=1.0';

let count = 0;
let failures = 0;

class Skip extends Error {}

export function skip(reason) {
    throw new Skip(reason);
}

// One case, which passes if the function returns.
export function test(name, run) {
    count++;
    try {
        run();
        print(`ok ${count} ${name}`);
    } catch (error) {
        if (error instanceof Skip) {
            print(`ok ${count} ${name} # SKIP ${error.message}`);
            return;
        }
        failures++;
        print(`not ok ${count} ${name}`);
        print(`${error}\n${error.stack}`.trimEnd().replaceAll(/^/gm, '# '));
    }
}

// Ends the test program.
export function finish() {
    print(`1..${count}`);
    if (failures > 0)
        System.exit(1);
}

export function assert(condition, message) {
    if (!condition)
        throw new Error(message);
}

export function assertEqual(actual, expected, what = 'result') {
    const [got, wanted] = [actual, expected].map(value => JSON.stringify(value));

    assert(got === wanted, `${what}: got ${got} instead of ${wanted}`);
}

// Returns what the function throws.
export function assertThrows(run) {
    let result;

    try {
        result = run();
    } catch (error) {
        return error;
    }
    throw new Error(`nothing was thrown, but ${result} returned`);
}

export function isStreamError(error, code) {
    return error instanceof GLib.Error &&
        error.matches(CimplStream.StreamError, CimplStream.StreamError[code]);
}

// Checks for an error of the library, CODE of CimplStream.StreamError.
export function assertStreamError(run, code) {
    const error = assertThrows(run);

    assert(isStreamError(error, code), `${error} was thrown instead of ${code}`);
    return error;
}

export function textOf(bytes) {
    return new TextDecoder().decode(bytes.toArray());
}
