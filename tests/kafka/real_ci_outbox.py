#!/usr/bin/env python3
"""real_outbox_kills.py, shorter: a history reaches a real Kafka once and in order, while varved is killed three times
and the broker once."""
from real_outbox_kills import main

if __name__ == "__main__":
    main(events=20000, server_kills=3, broker_kills=1)
