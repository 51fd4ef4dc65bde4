"""The built-in wording, a table a language. Applications may bring their own.

A line that needs something unknown, such as a link that does not exist, is left out when it is rendered; so each of
these stands on a line of its own.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

NoticeType: TypeAlias = Literal["CREATE", "RESCHEDULE", "CANCELLED", "REMINDER", "ROOM", "FOLLOW_UP", "CODE"]


class Wording(NamedTuple):
    """The templates of one notice."""

    subject: str
    body: str
    sms: str


_EN_LINKS = """
Join here at that time: {{roomUrl}}
Add it to your calendar: {{icalUrl}}
Google Calendar: {{googleCalendarUrl}}
Choose another time: {{rescheduleUrl}}
Cancel: {{cancelUrl}}"""

_EL_LINKS = """
Συνδεθείτε εδώ εκείνη την ώρα: {{roomUrl}}
Προσθήκη στο ημερολόγιο: {{icalUrl}}
Google Calendar: {{googleCalendarUrl}}
Επιλογή άλλης ώρας: {{rescheduleUrl}}
Ακύρωση: {{cancelUrl}}"""

_DE_LINKS = """
Hier geht es zur gegebenen Zeit zum Gespräch: {{roomUrl}}
In den Kalender eintragen: {{icalUrl}}
Google Kalender: {{googleCalendarUrl}}
Anderen Termin wählen: {{rescheduleUrl}}
Absagen: {{cancelUrl}}"""

ENGLISH: Final[Mapping[NoticeType, Wording]] = {
    "CREATE": Wording(
        "Your appointment on {{EEEE, d MMMM y}}",
        f"""Dear {{{{firstName}}}},

your appointment is on {{{{EEEE, d MMMM y}}}} at {{{{time24}}}} ({{{{zone}}}}).
Subject: {{{{title}}}}
Duration: {{{{duration}}}}
You will speak with {{{{agentName}}}}.
{_EN_LINKS}""",
        "Your appointment: {{EEE d MMM, HH:mm}} ({{zone}}).\nJoin: {{roomUrl}}",
    ),
    "RESCHEDULE": Wording(
        "New time for your appointment: {{EEEE, d MMMM y}}",
        f"""Dear {{{{firstName}}}},

your appointment has been moved to {{{{EEEE, d MMMM y}}}} at {{{{time24}}}} ({{{{zone}}}}).
Subject: {{{{title}}}}
{_EN_LINKS}""",
        "Your appointment has been moved to {{EEE d MMM, HH:mm}} ({{zone}}).\nJoin: {{roomUrl}}",
    ),
    "CANCELLED": Wording(
        "Your appointment on {{EEEE, d MMMM y}} is cancelled",
        """Dear {{firstName}},

your appointment on {{EEEE, d MMMM y}} at {{time24}} ({{zone}}) is cancelled.
Subject: {{title}}""",
        "Your appointment on {{EEE d MMM, HH:mm}} ({{zone}}) is cancelled.",
    ),
    "REMINDER": Wording(
        "Reminder: your appointment on {{EEEE, d MMMM y}} at {{time24}}",
        f"""Dear {{{{firstName}}}},

this is a reminder of your appointment on {{{{EEEE, d MMMM y}}}} at {{{{time24}}}} ({{{{zone}}}}).
Subject: {{{{title}}}}
{_EN_LINKS}""",
        "Reminder: your appointment is on {{EEE d MMM, HH:mm}} ({{zone}}).\nJoin: {{roomUrl}}",
    ),
    "ROOM": Wording(
        "Your appointment begins: join here",
        """Dear {{firstName}},

your appointment begins at {{time24}} ({{zone}}).
Join here: {{roomUrl}}""",
        "Your appointment begins at {{time24}} ({{zone}}).\nJoin: {{roomUrl}}",
    ),
    "FOLLOW_UP": Wording(
        "Thank you for your time",
        """Dear {{firstName}},

thank you for the conversation of {{EEEE, d MMMM y}}.
Subject: {{title}}""",
        "Thank you for the conversation of {{EEE d MMM}}.",
    ),
    "CODE": Wording(
        "Your code: {{code}}",
        """Your code is {{code}}
It is good for {{duration}}, once.
{{title}} has been asked to send it. Give it to nobody who calls or writes to you.
If you have not asked for it, there is nothing to do.""",
        "{{code}} is your code, good for {{duration}}.\nFrom {{title}}. Give it to nobody who calls you.",
    ),
}

GREEK: Final[Mapping[NoticeType, Wording]] = {
    "CREATE": Wording(
        "Το ραντεβού σας: {{EEEE d MMMM y}}",
        f"""Αγαπητέ/ή {{{{firstName}}}},

το ραντεβού σας είναι: {{{{EEEE d MMMM y}}}}, ώρα {{{{time24}}}} ({{{{zone}}}}).
Θέμα: {{{{title}}}}
Διάρκεια: {{{{duration}}}}
Θα μιλήσετε με: {{{{agentName}}}}
{_EL_LINKS}""",
        "Το ραντεβού σας: {{EEE d MMM, HH:mm}} ({{zone}}).\nΣύνδεση: {{roomUrl}}",
    ),
    "RESCHEDULE": Wording(
        "Νέα ώρα για το ραντεβού σας: {{EEEE d MMMM y}}",
        f"""Αγαπητέ/ή {{{{firstName}}}},

το ραντεβού σας μεταφέρθηκε: {{{{EEEE d MMMM y}}}}, ώρα {{{{time24}}}} ({{{{zone}}}}).
Θέμα: {{{{title}}}}
{_EL_LINKS}""",
        "Το ραντεβού σας μεταφέρθηκε: {{EEE d MMM, HH:mm}} ({{zone}}).\nΣύνδεση: {{roomUrl}}",
    ),
    "CANCELLED": Wording(
        "Το ραντεβού σας ακυρώθηκε: {{EEEE d MMMM y}}",
        """Αγαπητέ/ή {{firstName}},

το ραντεβού σας ακυρώθηκε: {{EEEE d MMMM y}}, ώρα {{time24}} ({{zone}}).
Θέμα: {{title}}""",
        "Το ραντεβού σας ακυρώθηκε: {{EEE d MMM, HH:mm}} ({{zone}}).",
    ),
    "REMINDER": Wording(
        "Υπενθύμιση: το ραντεβού σας {{EEEE d MMMM y}}, {{time24}}",
        f"""Αγαπητέ/ή {{{{firstName}}}},

σας υπενθυμίζουμε το ραντεβού σας: {{{{EEEE d MMMM y}}}}, ώρα {{{{time24}}}} ({{{{zone}}}}).
Θέμα: {{{{title}}}}
{_EL_LINKS}""",
        "Υπενθύμιση: ραντεβού {{EEE d MMM, HH:mm}} ({{zone}}).\nΣύνδεση: {{roomUrl}}",
    ),
    "ROOM": Wording(
        "Το ραντεβού σας αρχίζει: συνδεθείτε εδώ",
        """Αγαπητέ/ή {{firstName}},

το ραντεβού σας αρχίζει στις {{time24}} ({{zone}}).
Συνδεθείτε εδώ: {{roomUrl}}""",
        "Το ραντεβού σας αρχίζει στις {{time24}} ({{zone}}).\nΣύνδεση: {{roomUrl}}",
    ),
    "FOLLOW_UP": Wording(
        "Ευχαριστούμε για τον χρόνο σας",
        """Αγαπητέ/ή {{firstName}},

ευχαριστούμε για τη συνομιλία: {{EEEE d MMMM y}}.
Θέμα: {{title}}""",
        "Ευχαριστούμε για τη συνομιλία ({{EEE d MMM}}).",
    ),
    "CODE": Wording(
        "Ο κωδικός σας: {{code}}",
        """Ο κωδικός σας είναι {{code}}
Ισχύει για {{duration}}, μία φορά.
Ζητήθηκε να σας τον στείλει: {{title}}. Μην τον δώσετε σε όποιον σας τηλεφωνήσει ή σας γράψει.
Αν δεν τον ζητήσατε, δεν χρειάζεται να κάνετε τίποτα.""",
        "{{code}} είναι ο κωδικός σας, ισχύει για {{duration}}.\n{{title}}. Μην τον δώσετε σε όποιον σας τηλεφωνήσει.",
    ),
}

GERMAN: Final[Mapping[NoticeType, Wording]] = {
    "CREATE": Wording(
        "Ihr Termin am {{EEEE, d. MMMM y}}",
        f"""Guten Tag {{{{fullName}}}},

Ihr Termin ist am {{{{EEEE, d. MMMM y}}}} um {{{{time24}}}} Uhr ({{{{zone}}}}).
Betreff: {{{{title}}}}
Dauer: {{{{duration}}}}
Sie sprechen mit {{{{agentName}}}}.
{_DE_LINKS}""",
        "Ihr Termin: {{EEE d. MMM, HH:mm}} Uhr ({{zone}}).\nZum Gespräch: {{roomUrl}}",
    ),
    "RESCHEDULE": Wording(
        "Neue Zeit für Ihren Termin: {{EEEE, d. MMMM y}}",
        f"""Guten Tag {{{{fullName}}}},

Ihr Termin wurde verlegt: {{{{EEEE, d. MMMM y}}}} um {{{{time24}}}} Uhr ({{{{zone}}}}).
Betreff: {{{{title}}}}
{_DE_LINKS}""",
        "Ihr Termin wurde verlegt: {{EEE d. MMM, HH:mm}} Uhr ({{zone}}).\nZum Gespräch: {{roomUrl}}",
    ),
    "CANCELLED": Wording(
        "Ihr Termin am {{EEEE, d. MMMM y}} ist abgesagt",
        """Guten Tag {{fullName}},

Ihr Termin am {{EEEE, d. MMMM y}} um {{time24}} Uhr ({{zone}}) ist abgesagt.
Betreff: {{title}}""",
        "Ihr Termin am {{EEE d. MMM, HH:mm}} Uhr ({{zone}}) ist abgesagt.",
    ),
    "REMINDER": Wording(
        "Erinnerung: Ihr Termin am {{EEEE, d. MMMM y}} um {{time24}} Uhr",
        f"""Guten Tag {{{{fullName}}}},

wir erinnern an Ihren Termin am {{{{EEEE, d. MMMM y}}}} um {{{{time24}}}} Uhr ({{{{zone}}}}).
Betreff: {{{{title}}}}
{_DE_LINKS}""",
        "Erinnerung: Ihr Termin ist am {{EEE d. MMM, HH:mm}} Uhr ({{zone}}).\nZum Gespräch: {{roomUrl}}",
    ),
    "ROOM": Wording(
        "Ihr Termin beginnt: hier geht es zum Gespräch",
        """Guten Tag {{fullName}},

Ihr Termin beginnt um {{time24}} Uhr ({{zone}}).
Hier geht es zum Gespräch: {{roomUrl}}""",
        "Ihr Termin beginnt um {{time24}} Uhr ({{zone}}).\nZum Gespräch: {{roomUrl}}",
    ),
    "FOLLOW_UP": Wording(
        "Danke für Ihre Zeit",
        """Guten Tag {{fullName}},

danke für das Gespräch vom {{EEEE, d. MMMM y}}.
Betreff: {{title}}""",
        "Danke für das Gespräch vom {{EEE d. MMM}}.",
    ),
    "CODE": Wording(
        "Ihr Code: {{code}}",
        """Ihr Code ist {{code}}
Er gilt {{duration}}, einmal.
Um ihn gebeten wurde: {{title}}. Geben Sie ihn niemandem, der Sie anruft oder Ihnen schreibt.
Wenn Sie nicht darum gebeten haben, ist nichts zu tun.""",
        "{{code}} ist Ihr Code, er gilt {{duration}}.\nVon {{title}}. Geben Sie ihn niemandem, der Sie anruft.",
    ),
}

LANGUAGES: Final[Mapping[str, Mapping[NoticeType, Wording]]] = {"en": ENGLISH, "el": GREEK, "de": GERMAN}
BUILT_IN_LOCALES: Final = ("de_DE", "el_GR", "en_GB", "en_US")
