"""What the pages behind customers' links say, a table a language.

`{name}` is what the application is called, `{time}` when the appointment is.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

Case: TypeAlias = Literal[
    "cancel",
    "reschedule",
    "full",
    "cancelled",
    "moved",
    "done",
    "expired",
    "withdrawn",
    "unknown",
    "limited",
    "unavailable",
]


class Wording(NamedTuple):
    """A heading and what to do."""

    heading: str
    text: str


class Words(NamedTuple):
    """What else stands on the pages: how a date is written, buttons and links, what is wrong with a choice."""

    date: str
    cancel: str
    move: str
    later: str
    first: str
    taken: str
    choose: str


LANGUAGES: Final[Mapping[str, Mapping[Case, Wording]]] = {
    "en": {
        "cancel": Wording("Cancel your appointment?", "{name}: {time}"),
        "reschedule": Wording("Choose another time", "{name}: until now {time}"),
        "full": Wording("No free times", "{name}: {time}. There is nothing free in these days. It stays as it is."),
        "cancelled": Wording("This appointment is cancelled", "There is nothing left to do."),
        "moved": Wording("This appointment has a new time", "The links to change it are in the latest message."),
        "done": Wording("This appointment has a new time", "It is now on {time}."),
        "expired": Wording("This link has expired", "It was good until the appointment began."),
        "withdrawn": Wording(
            "This link is not good any more",
            "Please take that of the latest message about your appointment, or ask whoever has sent it.",
        ),
        "unknown": Wording("This link is not right", "Please check that you have the whole address."),
        "limited": Wording("Too many attempts", "Please wait a minute and try again."),
        "unavailable": Wording("This does not work at the moment", "Please try again in a minute."),
    },
    "de": {
        "cancel": Wording("Möchten Sie Ihren Termin absagen?", "{name}: {time}"),
        "reschedule": Wording("Anderen Termin wählen", "{name}: bisher {time}"),
        "full": Wording(
            "Keine freien Zeiten", "{name}: {time}. In diesen Tagen ist nichts frei. Es bleibt bei dem Termin."
        ),
        "cancelled": Wording("Dieser Termin ist abgesagt", "Es ist nichts weiter zu tun."),
        "moved": Wording(
            "Dieser Termin wurde verlegt", "Die Links, um ihn zu ändern, stehen in der letzten Nachricht."
        ),
        "done": Wording("Dieser Termin wurde verlegt", "Er ist jetzt: {time}."),
        "expired": Wording("Dieser Link ist abgelaufen", "Er galt bis zum Beginn des Termins."),
        "withdrawn": Wording(
            "Dieser Link gilt nicht mehr",
            "Bitte nehmen Sie den aus der letzten Nachricht zu Ihrem Termin, oder fragen Sie, wer sie geschickt hat.",
        ),
        "unknown": Wording("Dieser Link stimmt nicht", "Bitte prüfen Sie, ob die Adresse vollständig ist."),
        "limited": Wording("Zu viele Versuche", "Bitte warten Sie eine Minute und versuchen Sie es wieder."),
        "unavailable": Wording("Das geht gerade nicht", "Bitte versuchen Sie es in einer Minute wieder."),
    },
}
WORDS: Final[Mapping[str, Words]] = {
    "en": Words(
        "{{EEEE, d MMMM y}}",
        "Cancel the appointment",
        "Take this time",
        "Later days",
        "The first free days",
        "That time is not free any more. Please choose another one.",
        "Please choose a time.",
    ),
    "de": Words(
        "{{EEEE, d. MMMM y}}",
        "Termin absagen",
        "Diese Zeit nehmen",
        "Spätere Tage",
        "Die ersten freien Tage",
        "Diese Zeit ist nicht mehr frei. Bitte wählen Sie eine andere.",
        "Bitte wählen Sie eine Zeit.",
    ),
}
