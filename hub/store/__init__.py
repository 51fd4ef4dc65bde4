"""The store: the log of events, timers, idempotency, revocations, presence, in one SQL database, SQLite or PostgreSQL.

**The log is the truth.** A durable event exists from the COMMIT that holds it, at a position assigned in that same
transaction; everything that moves events about may fail and reads them here again.

*Writing.* `Database.write` hands a function to the one writer thread. The thread takes all that wait (up to a bound),
runs each in a SAVEPOINT of one transaction (one that is alone, without), then raises every touched head once, in sorted
order, inserts the events and commits. After the commit, on the event loop, the after-commit callbacks see the events
and then the futures resolve. So the order of calls is the order of commits, and streams have no gaps: a head rises only
with its rows. On PostgreSQL other processes write at the same time: a head that is raised is locked until its
transaction has ended, so that the positions of a stream become visible in their order whoever gave them out.

*Reading.* `Database.read` runs a function on one of a few reader threads, in a transaction that sees one snapshot.
What a write has committed before its future resolved is visible to every read that starts afterwards.

*Differences between the databases* are in `dialect`: text SQL is written once with `?`, what must differ is a word from
`tx.dialect`. An action that decides by what it has read reads it with `tx.dialect.for_update` (in Core:
`with_for_update()`), which is nothing on SQLite, where one writes at a time.

*Functions are plain and synchronous, and may be run again*: they change nothing but the database. They must not
commit, and must fetch what they selected on `cursor` before they call anything else that uses it.

*Time.* Parameters called `now` are Unix seconds from a `Clock`; what ends in `_at` or `_micros` is in integer
microseconds, as stored.
"""
