/* SPDX-License-Identifier: MIT */

/*
 * A subclass of CimplStream in Vala: a filter that hides letters from who looks at the other side.
 *
 * The first class is the filter, to be copied for any other. What follows is a program that puts
 * it over a source, writes and reads through it, and gives it to a native consumer.
 *
 * With an installed library, a program is compiled by `valac --pkg cimpl-stream-1.0`.
 */

/**
 * A filter: letters that are read from or written to another stream are rotated by 13 places.
 *
 * Position and size are those of the other stream, which it does not close.
 */
public class Rot13Stream : CimplStream.Stream {
    /** The stream on the other side. */
    public CimplStream.Stream base_stream { get; construct; }

    public Rot13Stream (CimplStream.Stream base_stream) {
        Object (base_stream: base_stream);
    }

    private static void rotate (uint8[] data) {
        for (int i = 0; i < data.length; i++) {
            char c = (char) data[i];

            if (c.isalpha ()) {
                char first = c.islower () ? 'a' : 'A';
                data[i] = (uint8) (first + (c - first + 13) % 26);
            }
        }
    }

    /* An error that a method of the base throws goes on to the caller of this one. */
    public override bool do_read (uint8[] buffer, out size_t n_read,
                                  Cancellable? cancellable) throws Error {
        n_read = base_stream.read (buffer, cancellable);
        rotate (buffer[0 : n_read]);
        return true;
    }

    public override bool do_write (uint8[] data, out size_t n_written,
                                   Cancellable? cancellable) throws Error {
        /* A longer write is a short one: who wants it all calls again. */
        uint8[] rotated = data[0 : size_t.min (data.length, 4096)];

        rotate (rotated);
        n_written = base_stream.write (rotated, cancellable);
        return true;
    }

    public override bool do_seek (int64 offset, CimplStream.SeekMode mode, out int64 position,
                                  Cancellable? cancellable) throws Error {
        position = base_stream.seek (offset, mode, cancellable);
        return true;
    }

    public override bool do_truncate (int64 size, Cancellable? cancellable) throws Error {
        return base_stream.truncate (size, cancellable);
    }

    /* Also runs when the stream is closed, if something was written since the last time. */
    public override bool do_flush (Cancellable? cancellable) throws Error {
        return base_stream.flush (cancellable);
    }

    /* By default a stream says that it can do what its class overrides, which is everything. */
    public override bool do_query_flags (out CimplStream.StreamFlags flags) throws Error {
        return base_stream.get_flags (out flags);
    }
}

/** A source: text in memory. */
public class TextStream : CimplStream.Stream {
    public StringBuilder text = new StringBuilder ();
    private size_t position = 0;

    public override bool do_read (uint8[] buffer, out size_t n_read,
                                  Cancellable? cancellable) throws Error {
        n_read = size_t.min (buffer.length, text.len - position);
        Memory.copy (buffer, (uint8*) text.str + position, n_read);
        position += n_read;
        return true;
    }

    public override bool do_write (uint8[] data, out size_t n_written,
                                   Cancellable? cancellable) throws Error {
        n_written = data.length;
        text.overwrite_len (position, (string) data, data.length);
        position += n_written;
        return true;
    }

    public override bool do_seek (int64 offset, CimplStream.SeekMode mode, out int64 position,
                                  Cancellable? cancellable) throws Error {
        int64 origins[] = { 0, (int64) this.position, text.len };

        position = origins[mode] + offset;
        if (position < 0 || position > text.len)
            throw new CimplStream.StreamError.INVALID_ARGUMENT ("The text does not go that far");
        this.position = (size_t) position;
        return true;
    }
}

public errordomain CableError {
    LOOSE
}

/** A source that cannot be read. */
public class CableStream : CimplStream.Stream {
    public override bool do_read (uint8[] buffer, out size_t n_read,
                                  Cancellable? cancellable) throws Error {
        throw new CableError.LOOSE ("the cable is loose");
    }
}

errordomain ExampleError {
    UNEXPECTED
}

/* Shows what came, which should be what is expected. */
void expect (string what, string got, string expected) throws ExampleError {
    print ("%-20s %s\n", what, got);
    if (got != expected)
        throw new ExampleError.UNEXPECTED ("%s expected \"%s\"", what, expected);
}

string read_text (CimplStream.Stream stream, int64 offset) throws Error {
    stream.seek (offset, START);
    Bytes bytes = stream.read_to_end (100);
    return ((string) bytes.get_data ()).substring (0, bytes.length);
}

void use_filter () throws Error {
    var source = new TextStream ();
    var filter = new Rot13Stream (source);
    string text = "Hello, streams!";

    print ("%-20s %s\n", "written:", text);
    filter.write_all (text.data, null);
    filter.flush ();
    expect ("in the source:", source.text.str, "Uryyb, fgernzf!");
    expect ("read back:", read_text (filter, 0), text);
    expect ("from its middle:", read_text (filter, 7), "streams!");

    /* The consumer is a C library that knows nothing of filters, nor of Vala. */
    filter.seek (0, START);
    expect ("its checksum:", "%08x".printf ((uint) Checksum.crc32 (filter)), "d15cd0b4");

    filter.close ();
    expect ("base, after that:", source.is_closed () ? "closed" : "open", "open");
    try {
        filter.write (text.data);
        expect ("the filter:", "written", "closed");
    } catch (CimplStream.StreamError.CLOSED e) {
        expect ("the filter:", e.message, "The stream is closed");
    }
}

/* What was thrown below the filter comes out of the C library as it was. */
void fail_in_source () throws Error {
    var filter = new Rot13Stream (new CableStream ());
    CimplStream.StreamFlags flags;

    filter.get_flags (out flags);
    expect ("no writer:", WRITABLE in flags ? "writable" : "not writable", "not writable");
    try {
        Checksum.crc32 (filter);
        expect ("error of the source:", "none", "the cable is loose");
    } catch (CableError.LOOSE e) {
        expect ("error of the source:", e.message, "the cable is loose");
    }
}

int main () {
    try {
        use_filter ();
        fail_in_source ();
    } catch (Error e) {
        stderr.printf ("Not as expected: %s\n", e.message);
        return 1;
    }
    print ("All as expected.\n");
    return 0;
}
