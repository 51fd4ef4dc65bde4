"""The store: the log of events, timers, idempotency and revocations, in one SQL database.

**The log is the truth.** A durable event exists from the COMMIT that holds it, at a position assigned in that same
transaction; everything that moves events about may fail and reads them here again.

*Writing.* `Database.write` hands a function to the one writer thread. The thread takes all that wait (up to 256), runs
each in a SAVEPOINT of one transaction, then raises every touched head once, in sorted order, inserts the events and
commits. After the commit, on the event loop, the after-commit callbacks see the events and then the futures resolve.
So the order of calls is the order of commits, and streams have no gaps: a head rises only with its rows.

*Reading.* `Database.read` runs a function on one of a few reader threads, in a transaction that sees one snapshot.
What a write has committed before its future resolved is visible to every read that starts afterwards.

*Functions are plain and synchronous, and may be run again*: they change nothing but the database. They must not
commit, and must fetch what they selected on `cursor` before they call anything else that uses it.

*Time.* Parameters called `now` are Unix seconds from a `Clock`; what ends in `_at` or `_micros` is in integer
microseconds, as stored.
"""
