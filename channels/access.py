"""Who may listen where, and who may speak.

A wildcard means exactly the channels that it covers and that the role may hear: what is refused to the role is left
out without a word, and a pattern that covers nothing audible is denied. Which custom channels exist is not disclosed
by patterns; a concrete name that nothing covers is told to be unknown.
"""

from enum import StrEnum
from typing import Final, Literal, TypeAlias

import msgspec

from channels.catalog import Catalog, Channel
from channels.names import intersect, is_pattern, is_valid

Reason: TypeAlias = Literal["denied_by_security_policy", "channel_unknown"]


class Role(StrEnum):
    """Roles of a token. None includes another."""

    AGENT = "ROLE_AGENT"
    SUPERVISOR = "ROLE_SUPERVISOR"
    ADMIN = "ROLE_ADMIN"
    CLIENT_SERVICE = "ROLE_CLIENT_SERVICE"
    CUSTOMER = "ROLE_CUSTOMER"


STAFF: Final = frozenset({Role.AGENT, Role.SUPERVISOR, Role.ADMIN})
"""Roles of people who work for the organization. The others are programs' and customers'."""


class SubscribeDenied(Exception):
    """The subscription is refused; `reason` is the second part of the Bayeux error string."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Target(msgspec.Struct, frozen=True):
    """One thing a subscription listens to. `name` is a concrete name, or a pattern within a custom `channel`; every
    concrete name that it covers belongs to `channel`.
    """

    name: str
    channel: Channel


def resolve(catalog: Catalog, roles: frozenset[str], name: str) -> tuple[Target, ...]:
    """What a subscription to the name or pattern `name` means for somebody with `roles`: at least one target, in the
    order of the catalogue, none covering another. Raises SubscribeDenied.
    """
    if not is_valid(name):
        raise SubscribeDenied("channel_unknown")
    covered = [
        Target(common, channel)
        for channel in catalog.channels
        if (common := intersect(name, channel.pattern)) is not None
    ]
    targets = tuple(target for target in covered if may_subscribe(target.channel, roles))
    if targets:
        return targets
    raise SubscribeDenied("denied_by_security_policy" if covered or is_pattern(name) else "channel_unknown")


def may_publish(catalog: Catalog, roles: frozenset[str], channel_name: str) -> bool:
    """Whether a client with `roles` may publish on `channel_name` over Bayeux; never on the four or on a pattern."""
    return not publish_allowed_roles(catalog, channel_name).isdisjoint(roles)


def publish_allowed_roles(catalog: Catalog, channel_name: str) -> frozenset[str]:
    """The roles whose clients may publish on the concrete `channel_name`; empty for unknown names."""
    channel = catalog.find(channel_name)
    return frozenset() if channel is None else channel.publish


def may_subscribe(channel: Channel, roles: frozenset[str]) -> bool:
    """Whether a client with `roles` may listen to `channel`."""
    # Somebody without any role is nobody: a session without credentials never gets here by accident.
    return bool(roles) if channel.subscribe is None else not channel.subscribe.isdisjoint(roles)
