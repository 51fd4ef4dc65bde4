"""Callbacks: a customer asks to be called, at once or at a time, and an agent of the right queue is rung with them.

`rules` decides (numbers, times, capacity, the life cycle, who is next), `records` has the rows, `actions` are the use
cases, `routes` the endpoints. Timers of the kinds `callbacks.*` run what is due; `actions` names them.
"""
