/* SPDX-License-Identifier: MIT */

/* What test-behaviours does not show: how subclasses in Vala build on each other and on the base
 * class, and that the methods of the binding are the checked functions. */

private string to_text (Bytes bytes) {
    return ((string) bytes.get_data ()).substring (0, bytes.length);
}

private void shift (uint8[] data, int by) {
    for (int i = 0; i < data.length; i++)
        data[i] += (uint8) by;
}

/* Digits as capital letters, by way of the parent's slot. */
private class Letters : Complete {
    public override bool do_read (uint8[] buffer, out size_t n_read,
                                  Cancellable? cancellable) throws Error {
        bool success = base.do_read (buffer, out n_read, cancellable);

        shift (buffer[0 : n_read], 'A' - '0');
        return success;
    }
}

/* A level between that has nothing to do with reading. */
private class LettersNeverFlushed : Letters {
    public override bool do_flush (Cancellable? cancellable) throws Error {
        return true;
    }
}

private class SmallLetters : LettersNeverFlushed {
    public override bool do_read (uint8[] buffer, out size_t n_read,
                                  Cancellable? cancellable) throws Error {
        bool success = base.do_read (buffer, out n_read, cancellable);

        shift (buffer[0 : n_read], 'a' - 'A');
        return success;
    }
}

/* With another slot than its parent, whose own it reaches through the default of the base class. */
private class LettersByBytes : Complete {
    public override Bytes do_read_bytes (size_t count, Cancellable? cancellable) throws Error {
        uint8[] data = base.do_read_bytes (count, cancellable).get_data ();

        shift (data, 'A' - '0');
        return new Bytes (data);
    }
}

private class Bare : CimplStream.Stream {
    private Bytes left = new Bytes ("0123456789".data);

    public override Bytes do_read_bytes (size_t count, Cancellable? cancellable) throws Error {
        size_t n = size_t.min (count, left.length);
        Bytes bytes = left.slice (0, (int) n);

        left = left.slice ((int) n, left.length);
        return bytes;
    }
}

/* The same, the other way round. */
private class LettersOfBare : Bare {
    public override bool do_read (uint8[] buffer, out size_t n_read,
                                  Cancellable? cancellable) throws Error {
        bool success = base.do_read (buffer, out n_read, cancellable);

        shift (buffer[0 : n_read], 'A' - '0');
        return success;
    }
}

/* Leaves everything to the base class. */
private class Passing : CimplStream.Stream {
    public override bool do_read (uint8[] buffer, out size_t n_read,
                                  Cancellable? cancellable) throws Error {
        return base.do_read (buffer, out n_read, cancellable);
    }

    public override Bytes do_read_bytes (size_t count, Cancellable? cancellable) throws Error {
        return base.do_read_bytes (count, cancellable);
    }

    public override bool do_write (uint8[] data, out size_t n_written,
                                   Cancellable? cancellable) throws Error {
        return base.do_write (data, out n_written, cancellable);
    }

    public override bool do_seek (int64 offset, CimplStream.SeekMode mode, out int64 position,
                                  Cancellable? cancellable) throws Error {
        return base.do_seek (offset, mode, out position, cancellable);
    }

    public override bool do_truncate (int64 size, Cancellable? cancellable) throws Error {
        return base.do_truncate (size, cancellable);
    }

    public override bool do_flush (Cancellable? cancellable) throws Error {
        return base.do_flush (cancellable);
    }

    public override bool do_close (Cancellable? cancellable) throws Error {
        return base.do_close (cancellable);
    }

    public override bool do_query_flags (out CimplStream.StreamFlags flags) throws Error {
        return base.do_query_flags (out flags);
    }
}

/* Overrides what a subclass seldom does. */
private class Closing : CimplStream.Stream {
    public static int n_closed = 0;
    public static Cancellable? cancellable;

    public override bool do_close (Cancellable? cancellable) throws Error {
        n_closed++;
        Closing.cancellable = cancellable;
        return true;
    }

    public override bool do_query_flags (out CimplStream.StreamFlags flags) throws Error {
        flags = TRUNCATABLE;
        return true;
    }
}

private delegate void Operation (CimplStream.Stream stream) throws Error;

private void assert_fails (CimplStream.Stream stream, int code, Operation operation) {
    try {
        operation (stream);
        assert_not_reached ();
    } catch (Error e) {
        assert_error (e, CimplStream.StreamError.quark (), code);
    }
}

/* The static type is that of the subclass: it has both do_write() and write(). */
private void test_closed () {
    var stream = new Complete ();

    try {
        stream.close ();
    } catch (Error e) {
        assert_no_error (e);
    }

    try {
        stream.write ("a".data);
        assert_not_reached ();
    } catch (CimplStream.StreamError.CLOSED e) {
        assert_false (e is CimplStream.StreamError.OK);
    } catch (Error e) {
        assert_no_error (e);
    }
    try {
        stream.read (new uint8[1]);
        assert_not_reached ();
    } catch (Error e) {
        assert_true (e is CimplStream.StreamError.CLOSED);
    }
    assert_cmpint (stream.get_calls ("write"), EQ, 0);
    assert_cmpint (stream.get_calls ("read"), EQ, 0);
}

/* Reads by both methods, whatever the slot. */
private void check_text (CimplStream.Stream stream, string expected) {
    uint8 buffer[4];
    size_t n_read;

    try {
        assert_cmpint ((int) stream.read (buffer), EQ, 4);
        assert_cmpstr (to_text (new Bytes (buffer)), EQ, expected.substring (0, 4));
        assert_cmpstr (to_text (stream.read_bytes (2)), EQ, expected.substring (4, 2));
        assert_true (stream.read_all (buffer, out n_read));
        assert_cmpint ((int) n_read, EQ, 4);
        assert_cmpstr (to_text (new Bytes (buffer)), EQ, expected.substring (6));
        assert_cmpint ((int) stream.read (buffer), EQ, 0);
        assert_cmpint (stream.read_bytes (1).length, EQ, 0);
        assert_true (stream.read_all (buffer, out n_read));
        assert_cmpint ((int) n_read, EQ, 0);
    } catch (Error e) {
        assert_no_error (e);
    }
}

private void test_chain_to_base () {
    var stream = new Passing ();
    CimplStream.StreamFlags flags;

    /* Neither slot calls the other one for ever. */
    assert_fails (stream, CimplStream.StreamError.NOT_SUPPORTED, s => s.read (new uint8[1]));
    assert_fails (stream, CimplStream.StreamError.NOT_SUPPORTED, s => s.read_bytes (1));
    assert_fails (stream, CimplStream.StreamError.NOT_SUPPORTED, s => s.write ("a".data));
    assert_fails (stream, CimplStream.StreamError.NOT_SUPPORTED, s => s.seek (0, START));
    assert_fails (stream, CimplStream.StreamError.NOT_SUPPORTED, s => s.truncate (0));
    try {
        assert_true (stream.get_flags (out flags));
        assert_true (flags == (READABLE | WRITABLE | SEEKABLE | TRUNCATABLE));
        assert_true (stream.flush ());
        assert_true (stream.close ());
    } catch (Error e) {
        assert_no_error (e);
    }
}

private void test_chain_to_subclass () {
    check_text (new Letters (), "ABCDEFGHIJ");
}

private void test_levels () {
    var stream = new SmallLetters ();

    check_text (stream, "abcdefghij");
    try {
        stream.write ("a".data);
        stream.close ();
    } catch (Error e) {
        assert_no_error (e);
    }
    assert_cmpint (stream.get_calls ("write"), EQ, 1);
    assert_cmpint (stream.get_calls ("flush"), EQ, 0);
    assert_cmpint (stream.get_calls ("close"), EQ, 1);
}

private void test_other_slot () {
    check_text (new Bare (), "0123456789");
    check_text (new LettersByBytes (), "ABCDEFGHIJ");
    check_text (new LettersOfBare (), "ABCDEFGHIJ");
}

/* Without any slot, and without a constructor of its own. */
private class Empty : CimplStream.Stream {
}

private void test_empty () {
    assert_fails (new Empty (), CimplStream.StreamError.NOT_SUPPORTED, s => s.read (new uint8[1]));
    assert_fails (new Empty (), CimplStream.StreamError.NOT_SUPPORTED, s => s.read_bytes (1));
}

private void test_query_flags () {
    CimplStream.StreamFlags flags;

    try {
        assert_true (new Closing ().get_flags (out flags));
        assert_true (flags == CimplStream.StreamFlags.TRUNCATABLE);
    } catch (Error e) {
        assert_no_error (e);
    }
}

private void test_cancellable () {
    var cancellable = new Cancellable ();

    try {
        new Closing ().close (cancellable);
    } catch (Error e) {
        assert_no_error (e);
    }
    assert_true (Closing.cancellable == cancellable);
    Closing.cancellable = null;

    cancellable.cancel ();
    assert_fails (new Complete (), CimplStream.StreamError.CANCELLED,
                  s => s.read (new uint8[1], cancellable));
}

private void test_last_reference () {
    CimplStream.Stream? stream = new Closing ();
    CimplStream.Stream? other = stream;

    Closing.n_closed = 0;
    stream = null;
    assert_cmpint (Closing.n_closed, EQ, 0);
    other = null;
    assert_cmpint (Closing.n_closed, EQ, 1);
}

/* An error of a domain of one's own arrives as it was thrown; counts are set on error, too. */
private void test_own_error () {
    var stream = (Complete) Object.new (typeof (Complete), "fault", "write:throw");
    size_t n_written = 7;

    try {
        stream.write ("a".data);
        assert_not_reached ();
    } catch (DigitsError.BOOM e) {
        assert_cmpstr (e.message, EQ, "boom");
    } catch (Error e) {
        assert_no_error (e);
    }
    try {
        stream.write_all ("a".data, out n_written);
        assert_not_reached ();
    } catch (DigitsError e) {
        assert_cmpstr (e.message, EQ, "Wrote 0 bytes, then: boom");
    } catch (Error e) {
        assert_no_error (e);
    }
    assert_cmpint ((int) n_written, EQ, 0);
}

private void test_copy () {
    var target = new Complete ();
    int64 n_copied = -1;
    int64 total = -1;
    int n_reports = 0;

    try {
        assert_true (new Letters ().copy (target, 7, (current, all) => {
            assert_cmpint ((int) current, EQ, 7);
            total = all;
            n_reports++;
        }, out n_copied));
        assert_cmpint ((int) n_copied, EQ, 7);
        assert_cmpint ((int) total, EQ, 7);
        assert_cmpint (n_reports, EQ, 1);

        target.seek (0, START);
        assert_cmpstr (to_text (target.read_to_end (100)), EQ, "ABCDEFG789");
        assert_true (new Complete ().copy (target, -1, null, null));
        assert_cmpint ((int) target.get_size (), EQ, 20);
        assert_cmpint ((int) target.write_bytes (new Bytes ("xyz".data)), EQ, 3);
        assert_cmpint ((int) target.tell (), EQ, 23);
    } catch (Error e) {
        assert_no_error (e);
    }
}

private void test_from_handle () {
    var stream = new Bare ();

    try {
        var same = CimplStream.Stream.from_handle ((uintptr) stream);
        assert_true (same == stream);
        assert_cmpint ((int) stream.ref_count, EQ, 2);
    } catch (Error e) {
        assert_no_error (e);
    }
    assert_cmpint ((int) stream.ref_count, EQ, 1);
    assert_fails (stream, CimplStream.StreamError.NULL_PARAMETER,
                  () => CimplStream.Stream.from_handle (0));
}

private void test_types () {
    assert_true (typeof (CimplStream.CallbackStream).is_a (typeof (CimplStream.Stream)));
    assert_true (typeof (CimplStream.Stream).is_abstract ());
}

int main (string[] args) {
    Test.init (ref args);

    Test.add_func ("/subclass/closed", test_closed);
    Test.add_func ("/subclass/chain/to-base", test_chain_to_base);
    Test.add_func ("/subclass/chain/to-subclass", test_chain_to_subclass);
    Test.add_func ("/subclass/chain/levels", test_levels);
    Test.add_func ("/subclass/chain/other-slot", test_other_slot);
    Test.add_func ("/subclass/empty", test_empty);
    Test.add_func ("/subclass/query-flags", test_query_flags);
    Test.add_func ("/subclass/cancellable", test_cancellable);
    Test.add_func ("/subclass/last-reference", test_last_reference);
    Test.add_func ("/subclass/own-error", test_own_error);
    Test.add_func ("/subclass/copy", test_copy);
    Test.add_func ("/subclass/from-handle", test_from_handle);
    Test.add_func ("/subclass/types", test_types);

    return Test.run ();
}
