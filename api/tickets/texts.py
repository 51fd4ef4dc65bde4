"""What the page behind a ticket says, a table a language, and the page itself."""

from collections.abc import Mapping
from html import escape
from typing import Final, Literal, NamedTuple, TypeAlias

from api.http import pages

Case: TypeAlias = Literal["good", "early", "expired", "used", "revoked", "unknown", "limited", "unavailable"]


class Wording(NamedTuple):
    """A heading and what to do. `{time}` is an instant: until when, or from when on."""

    heading: str
    text: str


JOIN: Final[Mapping[str, str]] = {"en": "Join the conversation", "de": "Zum Gespräch", "el": "Είσοδος στη συνομιλία"}

LANGUAGES: Final[Mapping[str, Mapping[Case, Wording]]] = {
    "en": {
        "good": Wording("Your invitation", "This link is good until {time}."),
        "early": Wording("You are early", "This link is good from {time} on. Please come back then."),
        "expired": Wording("This link has expired", "It was good until {time}. Please ask for a new one."),
        "used": Wording(
            "This link has been used", "It was good for one use. If that was not you, please tell whoever invited you."
        ),
        "revoked": Wording("This link has been withdrawn", "Please ask whoever invited you."),
        "unknown": Wording(
            "This link is not right", "Please check that you have the whole address, or ask for a new one."
        ),
        "limited": Wording("Too many attempts", "Please wait a minute and try again."),
        "unavailable": Wording("This does not work at the moment", "Please try again in a minute."),
    },
    "de": {
        "good": Wording("Ihre Einladung", "Dieser Link gilt bis {time}."),
        "early": Wording("Sie sind früh dran", "Dieser Link gilt ab {time}. Bitte kommen Sie dann wieder."),
        "expired": Wording(
            "Dieser Link ist abgelaufen", "Er galt bis {time}. Bitte lassen Sie sich einen neuen geben."
        ),
        "used": Wording(
            "Dieser Link wurde schon benutzt",
            "Er galt für ein Mal. Wenn Sie das nicht waren, sagen Sie es bitte, wer Sie eingeladen hat.",
        ),
        "revoked": Wording("Dieser Link wurde zurückgezogen", "Bitte fragen Sie, wer Sie eingeladen hat."),
        "unknown": Wording(
            "Dieser Link stimmt nicht",
            "Bitte prüfen Sie, ob die Adresse vollständig ist, oder bitten Sie um eine neue.",
        ),
        "limited": Wording("Zu viele Versuche", "Bitte warten Sie eine Minute und versuchen Sie es wieder."),
        "unavailable": Wording("Das geht gerade nicht", "Bitte versuchen Sie es in einer Minute wieder."),
    },
    "el": {
        "good": Wording("Η πρόσκλησή σας", "Ο σύνδεσμος ισχύει έως {time}."),
        "early": Wording("Ήρθατε νωρίς", "Ο σύνδεσμος ισχύει από {time}. Παρακαλούμε επιστρέψτε τότε."),
        "expired": Wording("Ο σύνδεσμος έληξε", "Ίσχυε έως {time}. Παρακαλούμε ζητήστε νέον."),
        "used": Wording(
            "Ο σύνδεσμος έχει χρησιμοποιηθεί",
            "Ίσχυε για μία χρήση. Αν δεν ήσασταν εσείς, ενημερώστε όποιον σας κάλεσε.",
        ),
        "revoked": Wording("Ο σύνδεσμος ανακλήθηκε", "Παρακαλούμε ρωτήστε όποιον σας κάλεσε."),
        "unknown": Wording(
            "Ο σύνδεσμος δεν είναι σωστός", "Ελέγξτε ότι έχετε ολόκληρη τη διεύθυνση ή ζητήστε νέον σύνδεσμο."
        ),
        "limited": Wording("Πάρα πολλές προσπάθειες", "Περιμένετε ένα λεπτό και δοκιμάστε ξανά."),
        "unavailable": Wording("Δεν είναι δυνατό αυτή τη στιγμή", "Δοκιμάστε ξανά σε ένα λεπτό."),
    },
}


def page(case: Case, language: str, *, time: str = "", room: str | None = None) -> bytes:
    """The page in one of LANGUAGES. `room` is the address that the customer may go on to."""
    wording = LANGUAGES[language][case]
    way = "" if room is None else f'<p><a href="{escape(room)}" rel="noreferrer">{escape(JOIN[language])}</a></p>\n'
    return pages.page(language, wording.heading, pages.paragraph(wording.text.format(time=time)) + way)
