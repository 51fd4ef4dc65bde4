"""`/genesys/1/service/**`, apart from callbacks."""

from api.services.calendar import SHOW_CALENDAR

OPERATIONS = (SHOW_CALENDAR,)
