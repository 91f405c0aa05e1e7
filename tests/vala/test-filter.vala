/* SPDX-License-Identifier: MIT */

/* Filters in Vala, and a fault stream that tests them. */

/* Reads the bytes of its base shifted by one. */
private class Shifted : CimplStream.FilterStream {
    public Shifted (CimplStream.Stream base_stream) {
        Object (@base: base_stream);
    }

    public override bool do_read (uint8[] buffer, out size_t n_read,
                                  Cancellable? cancellable) throws Error {
        bool success = base.do_read (buffer, out n_read, cancellable);

        for (size_t i = 0; i < n_read; i++)
            buffer[i]++;
        return success;
    }
}

/* The same once more, by the other slot than its parent. */
private class ShiftedTwice : Shifted {
    public ShiftedTwice (CimplStream.Stream base_stream) {
        base (base_stream);
    }

    public override Bytes do_read_bytes (size_t count, Cancellable? cancellable) throws Error {
        uint8[] data = base.do_read_bytes (count, cancellable).get_data ();

        for (int i = 0; i < data.length; i++)
            data[i]++;
        return new Bytes (data);
    }
}

private void assert_read (CimplStream.Stream stream, string expected) throws Error {
    Bytes bytes = stream.read_bytes (expected.length);

    assert_cmpmem (bytes.get_data (), expected.data);
}

private void test_subclass () {
    var base_stream = new Complete ();

    try {
        var stream = new Shifted (base_stream);
        assert_true (stream.get_base () == base_stream);
        assert_read (stream, "1234");
        assert_cmpint ((int) stream.seek (8, CimplStream.SeekMode.START), EQ, 8);
        assert_cmpint ((int) stream.write ("45".data), EQ, 2);
        assert_cmpint ((int) stream.seek (-3, CimplStream.SeekMode.END), EQ, 7);
        assert_read (stream, "856");
        assert_read (stream, "");
        assert_true (stream.close ());
        assert_false (base_stream.is_closed ());
    } catch (Error e) {
        assert_no_error (e);
    }
}

private void test_other_slot () {
    try {
        assert_read (new ShiftedTwice (new Complete ()), "23456789:;");
    } catch (Error e) {
        assert_no_error (e);
    }
}

private void test_faults () {
    var faults = new CimplStream.FaultStream (new Complete ());
    var stream = new Shifted (faults) { close_base = true };

    faults.add_error (CimplStream.FaultOperation.READ, 4, CimplStream.FaultUnit.BYTES, 1,
                      CimplStream.StreamError.NO_SPACE);
    try {
        assert_read (stream, "1234");
    } catch (Error e) {
        assert_no_error (e);
    }
    try {
        stream.read_bytes (4);
        assert_not_reached ();
    } catch (Error e) {
        assert_true (e is CimplStream.StreamError.NO_SPACE);
    }
    try {
        assert_read (stream, "5678");
        assert_cmpint ((int) faults.get_n_operations (READ | WRITE), EQ, 3);
        assert_true (stream.close ());
        assert_true (faults.is_closed ());
    } catch (Error e) {
        assert_no_error (e);
    }
}

int main (string[] args) {
    Test.init (ref args);

    Test.add_func ("/filter/subclass", test_subclass);
    Test.add_func ("/filter/other-slot", test_other_slot);
    Test.add_func ("/filter/faults", test_faults);

    return Test.run ();
}
