"""The Bayeux protocol, sans-I/O: messages in, commands out.

Nothing here opens a socket, reads a clock or waits. `engine.Engine` holds one session; whoever drives it
(`hub.realtime.session`) feeds it events with the current time and carries out the commands it returns.
"""
