"""What can be done with callbacks, each in a transaction.

`booking` is for customers, `reading` for everybody who looks, `routing` and `ringing` bring callback and agent
together, `ending` says how it went. Every step is told by `telling`.
"""
