/* SPDX-License-Identifier: MIT */

/* What ../behaviours.txt demands of streams in all languages, with a case per row; and once more,
 * under /bytes, with GLib.Bytes in place of buffers to be filled, on both sides of the stream. */

[CCode (cname = "cimpl_stream_error_get_type", cheader_filename = "cimplstream/cimplstream.h")]
extern Type get_code_type ();

/* That of GLib's binding never drops its reference to the row. */
[CCode (cname = "g_test_add_data_func", cheader_filename = "glib.h")]
extern void add_case (string path, [CCode (delegate_target_pos = 1.9)] TestDataFunc run);

private class Row : Object {
    public string name;
    public string fault;
    public string steps;
    public bool by_bytes;

    private Digits stream;

    private Type find_class () {
        switch (fault) {
        case "read:missing":
            return typeof (WithoutRead);
        case "write:missing":
            return typeof (WithoutWrite);
        case "seek:missing":
            return typeof (WithoutSeek);
        case "truncate:missing":
            return typeof (WithoutTruncate);
        case "flush:missing":
        case "close:missing":
            return typeof (WithoutFlushAndClose);
        default:
            return by_bytes ? typeof (CompleteByBytes) : typeof (Complete);
        }
    }

    private Bytes read (size_t count) throws Error {
        if (by_bytes)
            return stream.read_bytes (count);

        uint8[] buffer = new uint8[count];
        ssize_t n_read = stream.read (buffer);
        return new Bytes (buffer[0 : n_read]);
    }

    private string get_flags () throws Error {
        CimplStream.StreamFlags flags;
        string[] names = {};

        stream.get_flags (out flags);
        var flags_class = (FlagsClass) typeof (CimplStream.StreamFlags).class_ref ();
        foreach (unowned FlagsValue value in flags_class.values) {
            if ((flags & value.value) != 0)
                names += value.value_nick;
        }
        return string.joinv (",", names);
    }

    private CimplStream.SeekMode parse_mode (string word) {
        var modes = (EnumClass) typeof (CimplStream.SeekMode).class_ref ();
        return (CimplStream.SeekMode) modes.get_value_by_nick (word).value;
    }

    /* What the stream says that has failed first. */
    private string get_failed () {
        Error? failure = stream.dup_failure ();

        if (failure == null)
            return "none";
        if (failure is DigitsError.BOOM)
            return "thrown";
        if (failure is CimplStream.StreamError)
            return name_code (failure.code);
        return failure.message;
    }

    /* The result of a step, as the table has it. */
    private string perform (string[] words) throws Error {
        switch (words[0]) {
        case "read":
            return to_word (read ((size_t) uint64.parse (words[1])));
        case "read-to-end":
            return to_word (stream.read_to_end ((size_t) uint64.parse (words[1])));
        case "write":
            return stream.write (from_word (words[1])).to_string ();
        case "write-all":
            size_t n_written;
            stream.write_all (from_word (words[1]), out n_written);
            return n_written.to_string ();
        case "seek":
            return stream.seek (int64.parse (words[1]), parse_mode (words[2])).to_string ();
        case "tell":
            return stream.tell ().to_string ();
        case "size":
            return stream.get_size ().to_string ();
        case "truncate":
            return stream.truncate (int64.parse (words[1])).to_string ();
        case "flush":
            return stream.flush ().to_string ();
        case "close":
            return stream.close ().to_string ();
        case "closed":
            return stream.is_closed () ? "yes" : "no";
        case "failed":
            return get_failed ();
        case "clear-failure":
            return stream.clear_failure ().to_string ();
        case "flags":
            return get_flags ();
        case "calls":
            return stream.get_calls (words[1]).to_string ();
        default:
            error ("%s: there is no step %s", name, words[0]);
        }
    }

    private bool check (string step) {
        string[] words = step.split (" ");
        int n = words.length;
        string expected = "=";
        string got;

        if (n > 2 && (words[n - 2] == "=" || words[n - 2] == "!")) {
            expected = words[n - 2] + " " + words[n - 1];
            words = words[0 : n - 2];
        }
        try {
            got = "= " + perform (words);
        } catch (DigitsError.BOOM e) {
            got = e.message.has_suffix ("boom") ? "! thrown" : e.message;
        } catch (CimplStream.StreamError e) {
            got = "! " + name_code (e.code);
        } catch (Error e) {
            got = e.message;
        }

        if (got == expected || (expected == "=" && got.has_prefix ("=")))
            return true;
        Test.fail_printf ("%s: %s", step, got);
        return false;
    }

    public void run () {
        if (fault.has_suffix (":wrong")) {
            Test.skip ("a Vala program that returns a wrong type does not compile");
            return;
        }
        stream = (Digits) Object.new (find_class (), "fault", fault);
        foreach (unowned string step in steps.split (";")) {
            if (!check (step.strip ()))
                break;
        }
        stream = null; // closed within its case
    }
}

private string to_word (Bytes bytes) {
    if (bytes.length == 0)
        return "\"\"";
    return ((string) bytes.get_data ()).substring (0, bytes.length);
}

private uint8[] from_word (string word) {
    return word == "\"\"" ? new uint8[0] : word.data;
}

private string name_code (int code) {
    unowned EnumValue? value = ((EnumClass) get_code_type ().class_ref ()).get_value (code);
    return value != null ? value.value_nick.up ().replace ("-", "_") : code.to_string ();
}

private Row add_row (string[] cells, bool by_bytes) {
    var row = new Row () {
        name = cells[0].strip (),
        fault = cells[1].strip (),
        steps = cells[2],
        by_bytes = by_bytes
    };
    add_case ((by_bytes ? "/behaviours/bytes/" : "/behaviours/") + row.name, row.run);
    return row;
}

int main (string[] args) {
    string table;
    Row[] rows = {};

    Test.init (ref args);

    try {
        FileUtils.get_contents (Test.build_filename (DIST, "behaviours.txt"), out table);
    } catch (Error e) {
        error ("%s", e.message);
    }
    foreach (unowned string line in table.split ("\n")) {
        string[] cells = line.split ("|");

        if (line.has_prefix ("#") || line.strip () == "")
            continue;
        if (cells.length != 3)
            error ("no row of behaviours: %s", line);
        rows += add_row (cells, false);
        /* GLib.Bytes have no negative size, and the classes that lack a slot read into buffers. */
        if (!/:(wrong|negative|missing) *$/.match (cells[1]))
            rows += add_row (cells, true);
    }
    return Test.run ();
}
