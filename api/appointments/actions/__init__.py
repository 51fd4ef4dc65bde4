"""The use cases of appointments. Every change is written, told to the desktops and handed to the notices at one place,
`saving`. They raise UnknownAppointment and Forbidden as `rules.permissions` says, whatever else they raise.
"""
