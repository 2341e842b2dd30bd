"""What a client does with snapshots and with loading; every Client of harness.py can do it."""
import varve_protocol as vp

CREDIT = 1 << 20
LAST = (1 << 63) - 1
SNAPSHOT = ("stream", "version", "type", "schema_version", "content_type", "created_at", "size", "data")
LOADING = ("index", "status", "version", "first_version", "snapshot")


def read_snapshot(body):
    return dict(zip(SNAPSHOT, body))


class Aggregates:
    """The part of a Client that is about snapshots and loading. A snapshot is a dict."""

    def snapshot_put(self, stream, version, data, type="state", schema_version=1, content_type=0, keep=0):
        """(created_at, how many older ones went)"""
        return tuple(self.call("SNAPSHOT_PUT", [stream, version, type, schema_version, content_type, data, keep])[:2])

    def snapshot_get(self, stream, version=None, type="", schema_version=0):
        return read_snapshot(self.call("SNAPSHOT_GET", [stream, version, type, schema_version])[0])

    def snapshot_list(self, prefix="", after_stream="", after_version=None, limit=1000):
        """([snapshot without data...], was that all?)"""
        snapshots, end = self.call("SNAPSHOT_LIST", [prefix, after_stream, after_version, limit])[:2]
        return [read_snapshot(body) for body in snapshots], end

    def snapshot_delete(self, stream, from_version=0, until_version=LAST):
        return self.call("SNAPSHOT_DELETE", [stream, from_version, until_version])[0]

    def load(self, streams, type="", schema_version=0, no_snapshots=False, credit=CREDIT, batch_bytes=0):
        """([a dict with LOADING and "records", for each stream], last position of the view); credit is given back."""
        request_id = self.send("LOAD", [list(streams), type, schema_version, no_snapshots, credit, batch_bytes])
        loaded = []
        while True:
            name, got_id, body, size = self.receive_of(request_id)
            assert got_id == request_id, (got_id, request_id)
            if name == "ERROR":
                raise self.refusal(body)
            if name == "READ_END":
                return loaded, body[0]
            if name == "LOADING":
                loaded.append(dict(zip(LOADING, body), records=[]))
                assert loaded[-1]["index"] == len(loaded) - 1, loaded[-1]["index"]
                if loaded[-1]["snapshot"] is not None:
                    loaded[-1]["snapshot"] = read_snapshot(loaded[-1]["snapshot"])
            else:
                assert name == "READ_BATCH", name
                loaded[-1]["records"] += [vp.read_record(data) for data in body[0]]
            self.send("CREDIT", [size], request_id)
