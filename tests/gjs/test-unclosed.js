// SPDX-License-Identifier: MIT

// GJS runs no JavaScript while it collects garbage, so a stream that is dropped unclosed cannot
// be closed any more. Where that loses something, the log must say so.
//
// Each case is a process of its own, whose log can be read: this program with arguments.

import GObject from 'gi://GObject';
import Gio from 'gi://Gio';
import System from 'system';

import CimplStream from 'gi://CimplStream?version=1.0';

import {assert, assertEqual, finish, test} from './tap.js';

class Sink extends CimplStream.Stream {
    static {
        GObject.registerClass(this);
    }

    vfunc_write(data) {
        return [true, data.length];
    }
}

class Flushing extends Sink {
    static {
        GObject.registerClass(this);
    }

    vfunc_flush() {
        printerr('flushed');
        return true;
    }
}

class Closing extends Sink {
    static {
        GObject.registerClass(this);
    }

    vfunc_close() {
        printerr('closed');
        return true;
    }
}

const classes = {Sink, Flushing, Closing};

// What happens to a stream before its program ends.
const fates = {
    dropped: () => {},
    kept: stream => {
        globalThis.kept = stream;
    },
    written: stream => stream.write('data', null),
    closed: stream => {
        stream.write('data', null);
        stream.close(null);
    },
    disposed: stream => {
        stream.write('data', null);
        stream.run_dispose();
    },
};

function runChild(className, fate) {
    fates[fate](new classes[className]());
    System.gc();
    printerr('end');
}

// Returns what the child logged before its end, and what after it.
function runCase(className, fate) {
    const program = Gio.File.new_for_uri(import.meta.url).get_path();
    const child = Gio.Subprocess.new(['gjs', '-m', program, className, fate],
        Gio.SubprocessFlags.STDERR_PIPE);
    const [, , log] = child.communicate_utf8(null, null);

    assert(child.get_successful(), `the child failed: ${log}`);
    return log.split('end\n');
}

function testSilent(className, fate, output) {
    test(`${className}/${fate}`, () => assertEqual(runCase(className, fate), [output, '']));
}

function testLogged(className, fate, operation, atEnd) {
    test(`${className}/${fate}`, () => {
        const logs = runCase(className, fate);
        const warning = new RegExp(`CimplStream-WARNING.*: Gjs_${className} was dropped without ` +
            `having been closed, .*${operation} of Gjs_${className}.*; close it explicitly`);

        assertEqual(logs.map(log => warning.test(log)), [!atEnd, atEnd]);
        assert(!/^(flushed|closed)$/m.test(logs.join('')), logs.join(''));
    });
}

if (ARGV.length > 0) {
    runChild(...ARGV);
} else {
    testLogged('Closing', 'dropped', 'close', false);
    testLogged('Closing', 'kept', 'close', true);
    testLogged('Closing', 'written', 'close', false);
    testSilent('Closing', 'closed', 'closed\n');
    testSilent('Closing', 'disposed', 'closed\n');

    testSilent('Flushing', 'dropped', '');
    testLogged('Flushing', 'written', 'flush', false);
    testSilent('Flushing', 'closed', 'flushed\n');
    testSilent('Flushing', 'disposed', 'flushed\n');

    testSilent('Sink', 'written', '');
    testSilent('Sink', 'closed', '');
    finish();
}
