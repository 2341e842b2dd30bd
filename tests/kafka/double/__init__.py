"""A broker double: speaks enough of Kafka's protocol, with Kafka's semantics of transactions and with faults at will.

Told in ../README.md. From the ground: names, wire, batch; partition, coordinator, broker (state, no sockets);
handlers_* (requests); faults, server, control (sockets, misbehaviour and its orders).
"""
