/* SPDX-License-Identifier: MIT */

public errordomain DigitsError {
    BOOM
}

/* Ten bytes in memory, with a fault as in ../behaviours.txt. Which slots there are is up to the
 * subclasses: what a class overrides, its own subclasses override, too. */
public abstract class Digits : CimplStream.Stream {
    /* `operation:fault`. */
    public string fault { get; construct; default = "-"; }

    private uint8[] data = "0123456789".data;
    private int64 position = 0;
    private HashTable<string, int> calls = new HashTable<string, int> (str_hash, str_equal);

    public int get_calls (string operation) {
        return calls[operation];
    }

    private bool has (string operation, string fault) {
        return this.fault == operation + ":" + fault;
    }

    /* Counts a call and lets it fail if it has to; false: it fails without an error. */
    protected bool begin (string operation) throws Error {
        calls[operation] = calls[operation] + 1;

        if (has (operation, "throw"))
            throw new DigitsError.BOOM ("boom");
        if (has (operation, "block"))
            throw new CimplStream.StreamError.WOULD_BLOCK ("Nothing can be transferred now");
        if (has (operation, "again"))
            read (new uint8[1]);
        return !has (operation, "nothing");
    }

    private size_t get_transferable (string operation, size_t count) {
        if (has (operation, "short"))
            return size_t.min (count, 1);
        return has (operation, "zero") ? 0 : count;
    }

    /* What a call says that has transferred `done` of `count` bytes. */
    private size_t get_reported (string operation, size_t done, size_t count) {
        if (has (operation, "too-much"))
            return count + 1;
        return has (operation, "negative") ? (size_t) (-1) : done;
    }

    private void resize (int64 size) {
        int old_size = data.length;

        data.resize ((int) size);
        if (size > old_size)
            Memory.set ((uint8*) data + old_size, 0, (size_t) size - old_size);
    }

    private uint8[] get_next (size_t count) {
        int64 start = int64.min (position, data.length);
        int64 n = int64.min ((int64) get_transferable ("read", count), data.length - start);

        position += n;
        return data[start : start + n];
    }

    protected bool read_into (uint8[] buffer, out size_t n_read) throws Error {
        n_read = 0;
        if (!begin ("read"))
            return false;

        uint8[] bytes = get_next (buffer.length);
        Memory.copy (buffer, bytes, bytes.length);
        n_read = get_reported ("read", bytes.length, buffer.length);
        return true;
    }

    protected Bytes? read_new (size_t count) throws Error {
        if (!begin ("read"))
            return null;
        return new Bytes (has ("read", "too-much") ? new uint8[count + 1] : get_next (count));
    }

    protected bool write_from (uint8[] data, out size_t n_written) throws Error {
        n_written = 0;
        if (!begin ("write"))
            return false;

        size_t n = get_transferable ("write", data.length);
        if (position + (int64) n > this.data.length)
            resize (position + (int64) n);
        Memory.copy ((uint8*) this.data + position, data, n);
        position += (int64) n;
        n_written = get_reported ("write", n, data.length);
        return true;
    }

    protected bool move (int64 offset, CimplStream.SeekMode mode, out int64 position) throws Error {
        position = -1;
        if (!begin ("seek"))
            return false;
        if (has ("seek", "negative"))
            return true;

        int64 origins[] = { 0, this.position, data.length };
        this.position = position = origins[mode] + offset;
        return true;
    }

    protected bool set_size (int64 size) throws Error {
        if (!begin ("truncate"))
            return false;
        resize (size);
        return true;
    }
}

public class ReadTruncate : Digits {
    public override bool do_read (uint8[] buffer, out size_t n_read,
                                  Cancellable? cancellable) throws Error {
        return read_into (buffer, out n_read);
    }

    public override bool do_truncate (int64 size, Cancellable? cancellable) throws Error {
        return set_size (size);
    }
}

public class WithoutSeek : ReadTruncate {
    public override bool do_write (uint8[] data, out size_t n_written,
                                   Cancellable? cancellable) throws Error {
        return write_from (data, out n_written);
    }
}

public class WithoutWrite : ReadTruncate {
    public override bool do_seek (int64 offset, CimplStream.SeekMode mode, out int64 position,
                                  Cancellable? cancellable) throws Error {
        return move (offset, mode, out position);
    }
}

public class WithoutFlushAndClose : WithoutWrite {
    public override bool do_write (uint8[] data, out size_t n_written,
                                   Cancellable? cancellable) throws Error {
        return write_from (data, out n_written);
    }
}

/* With all slots. */
public class Complete : WithoutFlushAndClose {
    public override bool do_flush (Cancellable? cancellable) throws Error {
        return begin ("flush");
    }

    public override bool do_close (Cancellable? cancellable) throws Error {
        return begin ("close");
    }
}

/* The same, read by the other slot. */
public class CompleteByBytes : Complete {
    public override Bytes do_read_bytes (size_t count, Cancellable? cancellable) throws Error {
        return read_new (count);
    }
}

public class WithoutRead : Digits {
    public override bool do_write (uint8[] data, out size_t n_written,
                                   Cancellable? cancellable) throws Error {
        return write_from (data, out n_written);
    }

    public override bool do_seek (int64 offset, CimplStream.SeekMode mode, out int64 position,
                                  Cancellable? cancellable) throws Error {
        return move (offset, mode, out position);
    }

    public override bool do_truncate (int64 size, Cancellable? cancellable) throws Error {
        return set_size (size);
    }
}

public class WithoutTruncate : Digits {
    public override bool do_read (uint8[] buffer, out size_t n_read,
                                  Cancellable? cancellable) throws Error {
        return read_into (buffer, out n_read);
    }

    public override bool do_write (uint8[] data, out size_t n_written,
                                   Cancellable? cancellable) throws Error {
        return write_from (data, out n_written);
    }

    public override bool do_seek (int64 offset, CimplStream.SeekMode mode, out int64 position,
                                  Cancellable? cancellable) throws Error {
        return move (offset, mode, out position);
    }
}
