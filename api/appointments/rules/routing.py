"""Where the customer's interaction is sent, filled up with what the application says. Pure."""

from collections.abc import Mapping
from typing import Final, get_args

from api.appointments.rules.appointment import Interaction, RoutingType
from hub.kernel.applications import Application
from hub.kernel.errors import BadInput

_DEFAULT: Final[Mapping[str, RoutingType]] = {
    "genesys": "GENESYS_CLOUD_FLOW",
    "talkdesk": "TALKDESK_DIGITAL_CONNECT",
}
_NEEDED: Final[Mapping[RoutingType, str]] = {
    "GENESYS_CLOUD_FLOW": "deploymentId",
    "TALKDESK_DIGITAL_CONNECT": "touchpointId",
}
_CHAT_MODE: Final[Mapping[RoutingType, str]] = {
    "GENESYS_CLOUD_FLOW": "genesys-web-messaging",
    "GENESYS_CLOUD_QUEUE": "genesys-cloud",
}


def interaction(
    routing: str | None, properties: Mapping[str, str], custom_fields: Mapping[str, str], application: Application
) -> Interaction:
    """The interaction of an appointment. The type defaults to that of the application's kind; of the properties, those
    that were given count, the environment excepted, which only the application knows. Raises BadInput.
    """
    chosen = _type(routing or _DEFAULT[application.kind])
    filled = _of_application(chosen, application) | dict(properties)
    if application.routing.pc_environment is not None and chosen != "TALKDESK_DIGITAL_CONNECT":
        filled["pcEnvironment"] = application.routing.pc_environment
    if (needed := _NEEDED.get(chosen)) is not None and not filled.get(needed):
        place = f"interaction.routing.properties.{needed}"
        raise BadInput(f"{place}: is required, the application has none", pointer="/" + place.replace(".", "/"))
    return Interaction(routing=chosen, properties=filled, custom_fields=dict(custom_fields))


def _type(text: str) -> RoutingType:
    for known in get_args(RoutingType):
        if text == known:
            found: RoutingType = known
            return found
    raise BadInput(
        f"interaction.routing.type: must be one of {', '.join(get_args(RoutingType))}",
        pointer="/interaction/routing/type",
    )


def _of_application(chosen: RoutingType, application: Application) -> dict[str, str]:
    own = application.routing
    known = {
        "chatMode": own.chat_mode or _CHAT_MODE.get(chosen),
        _NEEDED.get(chosen, "deploymentId"): own.touchpoint_id
        if chosen == "TALKDESK_DIGITAL_CONNECT"
        else own.deployment_id,
    }
    return {name: value for name, value in known.items() if value}
