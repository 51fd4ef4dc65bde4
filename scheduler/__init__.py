"""The scheduler: what is done later, and everything that leaves the house.

Timers are rows (`hub.store.timers`), planned in the transaction of whoever wants them. Any number of processes look for
those that are due; each timer is done by one of them. There are two sorts of jobs, and they are different types:

*Transactional* jobs change rows. The timer is taken, the action runs and the timer is deleted in one transaction. A
crash at any line undoes all of it and leaves the timer due, so the effect happens exactly once.

*Outward* jobs (`deliver.*`) call somebody, which cannot be undone and may take a minute. A first short transaction
leases the timer: that is the attempt, on record before the call. No transaction is open during the call. A second one
records the outcome. If that never comes, because the process died or its database did, the lease lapses, and what
follows depends on who is called. *Machines* are called again under the same id. *People* are not: the timer is buried
as uncertain, for an operator to decide. At most as many timers are leased as can be called at once, so that none is
held without being called.

Looking again is triggered by hints, and made certain by a beat twice a second. A hint (a commit in this process that
planned something, a change of the database from outside, an alarm set for the next due time) may be lost, late or
wrong; it saves waiting, nothing else. The wall clock may be set forward or back at any time: due is what is due at the
`now` of the beat.
"""
